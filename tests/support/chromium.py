"""Debian's Chromium, driven as a person would: pages opened, links clicked, keys pressed, pictures taken.

It speaks the DevTools protocol over two pipes (`--remote-debugging-pipe`), so that no port
is opened and no package is needed: https://chromedevtools.github.io/devtools-protocol/
"""

import base64
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

OPTIONS = (
    "--headless",
    "--no-sandbox",  # CI runs as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--force-color-profile=srgb",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
# Chromium reads from 3 and writes to 4, whatever numbers the pipes have here.
_AS_3_AND_4 = """
import fcntl, os, sys
reads, writes = (fcntl.fcntl(int(number), fcntl.F_DUPFD, 10) for number in sys.argv[1:3])
os.dup2(reads, 3)
os.dup2(writes, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
# Seconds for what must come: a slow machine is no failure.
WAITS = 30.0

KEYS = {"Enter": ("Enter", 13, "\r"), "Escape": ("Escape", 27, ""), "Tab": ("Tab", 9, "")}


class Tab:
    """One page of the browser."""

    def __init__(self, send: Callable[..., Any], session: str, person: str) -> None:
        self._send = send
        self._session = session
        # Whose cookies it has.
        self.person = person

    def ask(self, method: str, **params: Any) -> Any:
        return self._send(method, params, self._session)

    def open(self, url: str) -> None:
        """Go to `url`; returns when the page's document and scripts are there."""
        self.run("window.old = true")
        self.ask("Page.navigate", url=url)
        self.wait("!window.old && document.readyState === 'complete'")

    def run(self, script: str) -> Any:
        """The value of an expression in the page. Raises `AssertionError` if it fails there."""
        answer = self.ask(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True, userGesture=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait(self, condition: str, seconds: float = WAITS) -> None:
        """Wait until an expression is true; while a page is being left it has no value."""
        ends = time.monotonic() + seconds
        while True:
            with suppress(AssertionError, RuntimeError):
                if self.run(f"Boolean({condition})"):
                    return
            assert time.monotonic() < ends, f"it did not happen: {condition}\n{self.text()[:3000]}"
            time.sleep(0.05)

    def text(self) -> str:
        return str(self.run("document.body.innerText"))

    def shows(self, text: str) -> None:
        """Wait until the page shows a text."""
        self.wait(f"document.body.innerText.includes({json.dumps(text)})")

    def click(self, selector: str) -> None:
        """Click the element of a CSS selector, or the link or button with this text, once it is there."""
        center = (
            f"(document.querySelector({json.dumps(selector)}))"
            if selector[:1] in ".#["
            else "[...document.querySelectorAll('a, button, summary')].find((one) => "
            f"one.checkVisibility() && "
            f"one.textContent.trim().replace(/\\s+/g, ' ').startsWith({json.dumps(selector)}))"
        )
        middle = (
            f"(() => {{ const one = {center}; if (!one) return null; "
            f"one.scrollIntoView({{block: 'center'}}); "
            "const box = one.getClientRects()[0]; "  # first of two
            "const at = [box.x + box.width / 2, box.y + box.height / 2]; "
            "const hit = document.elementFromPoint(...at); "  # nothing covers it
            "return hit && (one.contains(hit) || hit.contains(one)) ? at : null; })()"
        )
        self.wait(f"document.readyState === 'complete' && {middle}")
        box = self.run(middle)
        for kind in ("mousePressed", "mouseReleased"):
            self.ask("Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], button="left", clickCount=1)

    def press(self, *keys: str) -> None:
        """Press keys one after another, in a page whose scripts have run."""
        self.wait("document.readyState === 'complete'")
        for key in keys:
            name, code, text = KEYS.get(key, (key, 0, key))
            common = {"key": name, "windowsVirtualKeyCode": code, "text": text}
            self.ask("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", **common)
            self.ask("Input.dispatchKeyEvent", type="keyUp", key=name, windowsVirtualKeyCode=code)

    def type(self, text: str) -> None:
        self.ask("Input.insertText", text=text)

    def size(self, width: int, height: int, scale: float = 1.0) -> None:
        self.ask(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=scale,
            mobile=width < 500,
        )

    def scheme(self, scheme: str) -> None:
        """`light` or `dark`."""
        self.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def zone(self, name: str) -> None:
        self.ask("Emulation.setTimezoneOverride", timezoneId=name)

    def front(self) -> None:
        """Bring this tab to the front; the others are hidden, so their pages do not poll."""
        self.ask("Page.bringToFront")

    def offline(self, is_offline: bool) -> None:
        """Take the network away, or give it back."""
        self.ask("Network.enable")
        limits = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        self.ask("Network.emulateNetworkConditions", offline=is_offline, **limits)

    def picture(self, path: Path, whole: bool = False) -> None:
        answer = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(answer["data"]))


class Chromium:
    """The browser's process."""

    def __init__(self, profile: Path) -> None:
        command = [str(shutil.which("chromium")), *OPTIONS, f"--user-data-dir={profile}", "about:blank"]
        to_browser, self._in = os.pipe()
        self._out, from_browser = os.pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-c", _AS_3_AND_4, str(to_browser), str(from_browser), *command],
            pass_fds=(to_browser, from_browser),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        self._buffer = b""
        self._number = 0
        # What the pages' scripts and policies complained of.
        self.errors: list[str] = []

    def tab(self, beside: Tab | None = None) -> Tab:
        """A new page with cookies of its own, or with those of the tab that the same person has open."""
        context = beside.person if beside else self._send("Target.createBrowserContext")["browserContextId"]
        target = self._send("Target.createTarget", {"url": "about:blank", "browserContextId": context})
        attached = self._send("Target.attachToTarget", {"targetId": target["targetId"], "flatten": True})
        tab = Tab(self._send, attached["sessionId"], context)
        for domain in ("Page", "Runtime", "Log"):
            tab.ask(f"{domain}.enable")
        return tab

    @contextmanager
    def person(self) -> Iterator[Tab]:
        """A page of somebody whose pages are closed at the end: an open one asks for news for ever."""
        tab = self.tab()
        try:
            yield tab
        finally:
            self._send("Target.disposeBrowserContext", {"browserContextId": tab.person})

    def close(self) -> None:
        with suppress(OSError, AssertionError, RuntimeError):
            self._send("Browser.close")
        os.close(self._in)
        os.close(self._out)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _send(self, method: str, params: dict[str, Any] | None = None, session: str = "") -> Any:
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params or {}}
        if session:
            message["sessionId"] = session
        os.write(self._in, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(answer["error"])
                return answer["result"]
            self._note(answer)

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            chunk = os.read(self._out, 1 << 20)
            assert chunk, "Chromium has ended"
            self._buffer += chunk
        message, _, self._buffer = self._buffer.partition(b"\0")
        fields: dict[str, Any] = json.loads(message)
        return fields

    def _note(self, event: dict[str, Any]) -> None:
        params = event.get("params", {})
        if event.get("method") == "Runtime.exceptionThrown":
            self.errors.append(str(params["exceptionDetails"]))
        elif event.get("method") == "Log.entryAdded" and params["entry"]["source"] == "security":
            self.errors.append(params["entry"]["text"])


@contextmanager
def chromium(profile: Path) -> Iterator[Chromium]:
    browser = Chromium(profile)
    try:
        yield browser
    finally:
        browser.close()
