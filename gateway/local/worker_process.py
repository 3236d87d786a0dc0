"""Starts the worker's process for `serve`, wakes it, restarts it, and ends it in time."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress

from gateway.processors import keep_on
from gateway.settings import Settings
from gateway.texts import say

COMMAND = [sys.executable, "-m", "gateway.local.worker"]
# Doubled each time the worker ends within a minute, up to a minute.
RESTART_SECONDS = 1.0
# A signal to all processes of a service reaches each of them within this time.
SIGNAL_SECONDS = 1.0

log = logging.getLogger("gateway.serve")


class WorkerProcess:
    """One child; `wake` never blocks, and a child that ends is started again until `stop`."""

    def __init__(self, settings: Settings, ending: threading.Event, processors: Sequence[int]) -> None:
        """`ending` is set as soon as this process itself is told to end. `processors` are those left."""
        self._settings = settings
        self._processors = processors
        self._ending = ending
        self._stopping = threading.Event()
        # No child starts once `stop` has begun.
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._watch, name="worker", daemon=True)

    def start(self) -> None:
        """Start the worker, and watch over it from now on."""
        self._spawn()
        self._thread.start()

    def wake(self) -> None:
        """Wake the worker, since something was published."""
        process = self._process
        if process is not None and process.stdin is not None:
            # A full pipe means that it is awake already, a closed one that it is being restarted.
            with suppress(OSError, ValueError):
                os.write(process.stdin.fileno(), b".")

    def is_alive(self) -> bool:
        """Whether the worker is running at this moment."""
        process = self._process
        return process is not None and process.poll() is None

    def stop(self, seconds: float) -> None:
        """Let the worker finish what it has begun, and end it if that takes too long."""
        with self._lock:
            self._stopping.set()
            process = self._process
        if process is None:
            return
        with suppress(OSError):
            if process.stdin is not None:
                process.stdin.close()
        try:
            process.wait(max(0.1, seconds))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _spawn(self) -> None:
        with self._lock:
            if self._stopping.is_set():
                return
            # In its own process group: Ctrl-C then reaches only serve, which ends the worker in its turn.
            process = subprocess.Popen(COMMAND, stdin=subprocess.PIPE, process_group=0)  # noqa: S603 — our own
            if process.stdin is not None:
                os.set_blocking(process.stdin.fileno(), False)
            # It would inherit ours.
            keep_on(self._processors, process.pid)
            self._process = process

    def _watch(self) -> None:
        pause = RESTART_SECONDS
        while not self._stopping.is_set() and self._process is not None:
            began = time.monotonic()
            code = self._process.wait()
            if self._stopping.is_set() or self._ends_with_us(code):
                return
            pause = RESTART_SECONDS if time.monotonic() - began > 60 else min(2 * pause, 60.0)
            log.error(say("WORKER_ENDED", self._settings.language, code=code, seconds=round(pause)))
            if not self._stopping.wait(pause):
                self._spawn()

    def _ends_with_us(self, code: int) -> bool:
        """Whether one signal ends them both: systemd and terminals send it to every process of a service.

        The worker ignores it only once it has started, and may get it a moment before this process does.
        """
        return code in (-signal.SIGTERM, -signal.SIGINT) and self._ending.wait(SIGNAL_SECONDS)
