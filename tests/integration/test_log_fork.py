"""A process that was forked while its parent waited for the log's reader."""

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import os, select, signal, sys
from gateway.log_stream import Stderr

reader, writer = os.pipe()
os.dup2(writer, 2)
stream = Stderr(str)
while stream._writer is None:
    stream.write("parent " * 14 + "\\n")
if os.fork() == 0:
    signal.alarm(20)  # it may wait for a lock that nobody in it releases
    stream.write("CHILD\\n")
    stream._writer.join(30)
    os._exit(0)
came = b""
while b"CHILD" not in came and select.select([reader], [], [], 15)[0]:
    came += os.read(reader, 65536)
print(came.count(b"CHILD"))
sys.stdout.flush()
os._exit(0)
"""


def test_a_child_logs_though_its_parents_writer_was_at_work() -> None:
    command = [sys.executable, "-W", "ignore", "-c", SCRIPT]
    run = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, timeout=60, check=True)
    assert run.stdout.split() == [b"1"]
