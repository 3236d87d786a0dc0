"""Records two terminals as an SVG: an event refused, its cause, the correction, a user linked.

The commands are run, by bash on terminals of their own, and what is drawn is what they wrote. Lines appear
in the order in which they came; a reader who prefers reduced motion sees the end at once.
"""

import html
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Iterator
from fcntl import ioctl
from pathlib import Path

from tests.support.processes import ROOT

COLUMNS = 104
# In pixels: of a line, of a letter, around a terminal.
HEIGHT, CHARACTER, EDGE = 18, 7.83, 14
TITLE = 30
# In seconds: nobody watches a gateway start.
LONGEST_PAUSE = 1.6
WAITS = 60.0
OLD, NEW = "w1e2b3h4o5o6k7t8o9k0e1n2a3b4c5d6", "n7e8w9t0o1k2e3n4o5f6w7e8b9h0o1k2"
ENV = """BITRIX24_OUTGOING_WEBHOOK_TOKEN={token}
BITRIX24_DOMAIN=portal.bitrix24.ru
BITRIX24_WEBHOOK_TOKEN=1/abcdefabcdefabcdefabcd
WEBHOOK_URL=https://hooks.example.com
INSPECTOR_PASSWORD=only for this recording
LOG_LANGUAGE={language}
"""
CURL = (
    "curl -s http://127.0.0.1:8080/api/bitrix/webhook -d event=ONUSERUPDATE -d 'data[ID]=12' "
    "-d 'data[UF_USR_TELEGRAM]=@ivan_petrov' -d 'auth[domain]=portal.bitrix24.ru' "
    f"-d 'auth[application_token]={NEW}'; echo"
)
# Title, description, and the names of both terminals.
TITLES = {
    "en": (
        "From a rejected event to a linked user",
        "The gateway runs in one terminal. In the other, an event is sent with the token of another webhook. "
        "The gateway rejects it with 403 and writes why, and what to change. The token is put into .env, the "
        "gateway started again, the same event accepted, and b24 links shows the linked user.",
        ("the gateway", "another terminal: what Bitrix24 sends"),
    ),
    "ru": (
        "От отклонённого события до связанного пользователя",
        "В одном терминале работает шлюз. В другом отправляют событие с токеном другого вебхука. Шлюз "
        "отклоняет его с кодом 403 и пишет, почему и что изменить. Токен вписывают в .env, шлюз запускают "
        "снова, то же событие принято, и b24 links показывает связанного пользователя.",
        ("шлюз", "другой терминал: что отправляет Битрикс24"),
    ),
}
COLOUR = re.compile(r"\x1b\[([0-9;]*)m")
OTHER_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-ln-z]|\r")
CLASSES = {"1": "b", "33": "y", "31": "r", "32": "g", "36": "c"}
STYLE = Path(__file__).with_suffix(".css").read_text("utf-8")


class Terminal:
    """A shell on a terminal; a line of `lines` is (when, whether somebody typed it, the text)."""

    def __init__(self, folder: Path, began: float) -> None:
        self._began = began
        self._half = ""
        self.lines: list[tuple[float, bool, str]] = []
        self._descriptor, theirs = pty.openpty()
        ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, COLUMNS, 0, 0))
        modes = termios.tcgetattr(theirs)
        # What is typed is drawn as it is sent.
        modes[3] &= ~termios.ECHO
        termios.tcsetattr(theirs, termios.TCSANOW, modes)
        env = {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8", "TERM": "xterm-256color"}
        command = ["bash", "--noprofile", "--norc", "--noediting", "-i"]
        self.process = subprocess.Popen(
            command, cwd=folder, env=env | {"PS1": ""}, stdin=theirs, stdout=theirs, stderr=theirs,
            start_new_session=True, preexec_fn=lambda: ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        os.close(theirs)

    def type(self, command: str) -> None:
        self.lines.append((time.monotonic() - self._began, True, f"$ {command}"))
        os.write(self._descriptor, f"{command}\n".encode())

    def interrupt(self) -> None:
        self.lines.append((time.monotonic() - self._began, True, "^C"))
        os.write(self._descriptor, b"\x03")

    def until(self, expected: str, since: int) -> None:
        """Wait until a line after the first `since` lines holds a text."""
        deadline = time.monotonic() + WAITS
        while not any(expected in text for _, _, text in self.lines[since:]):
            assert time.monotonic() < deadline, (expected, self.lines)
            if select.select([self._descriptor], [], [], 0.2)[0]:
                self._read()

    def _read(self) -> None:
        text = self._half + os.read(self._descriptor, 65536).decode("utf-8", "replace")
        *whole, self._half = text.split("\n")
        now = time.monotonic() - self._began
        self.lines += [(now, False, OTHER_CONTROL.sub("", line)) for line in whole]

    def close(self) -> None:
        """End the shell and what it runs: a terminal that goes away hangs up on both."""
        os.close(self._descriptor)
        self.process.wait(WAITS)


def record(folder: Path, language: str) -> tuple[Terminal, Terminal]:
    """Run the commands in a folder that holds the product and an `.env` with the token of another webhook."""
    for path in ROOT.iterdir():
        if path.name not in (".env", ".git", "var", "b24"):
            (folder / path.name).symlink_to(path)
    shutil.copy(ROOT / "b24", folder)
    (folder / ".env").touch(0o600)
    (folder / ".env").write_text(ENV.format(token=OLD, language=language))
    began = time.monotonic()
    serving, typing = Terminal(folder, began), Terminal(folder, began)
    try:
        _story(serving, typing)
    finally:
        for terminal in (serving, typing):
            terminal.close()
    return serving, typing


def _story(serving: Terminal, typing: Terminal) -> None:
    def run(terminal: Terminal, command: str) -> Callable[[str], None]:
        terminal.type(command)
        since = len(terminal.lines)
        return lambda text: terminal.until(text, since)

    run(serving, "./b24 serve")("127.0.0.1:8080")
    before = len(serving.lines)
    run(typing, CURL)("TOKEN_MISMATCH")
    serving.until("TOKEN_OTHER_WEBHOOK]", before)
    time.sleep(LONGEST_PAUSE)
    run(typing, f"sed -i 's/{OLD}/{NEW}/' .env; grep OUTGOING .env")(NEW)
    before = len(serving.lines)
    serving.interrupt()
    serving.until("INFO", before)
    run(serving, "./b24 serve")("127.0.0.1:8080")
    before = len(serving.lines)
    run(typing, CURL)("EVENT_QUEUED")
    serving.until("@ivan_petrov", before)
    run(typing, "./b24 links")("@ivan_petrov")


def draw(terminals: tuple[Terminal, Terminal], title: str, description: str, names: tuple[str, str]) -> str:
    """Draw both terminals, one above the other."""
    width = round(COLUMNS * CHARACTER) + 2 * EDGE
    moments = _moments(sorted({at for terminal in terminals for at, _, _ in terminal.lines}))
    parts: list[str] = []
    y = 0.5
    for terminal, name in zip(terminals, names, strict=True):
        rows = [(moments[at], typed, part) for at, typed, line in terminal.lines for part in wrapped(line)]
        height = TITLE + EDGE + len(rows) * HEIGHT + EDGE / 2
        parts.append(f'<rect class="frame" x="0.5" y="{y}" width="{width - 1}" height="{height}" rx="8"/>')
        parts.append(f'<path class="bar" d="M1 {y + TITLE} v-22 q0 -8 8 -8 h{width - 18} q8 0 8 8 v22 z"/>')
        parts.append(f'<text class="title" x="{EDGE}" y="{y + 20}">{html.escape(name)}</text>')
        for row, (at, typed, line) in enumerate(rows):
            position = f'x="{EDGE}" y="{y + TITLE + EDGE + row * HEIGHT + 6}"'
            classes = "line typed" if typed else "line"
            parts.append(
                f'<text class="{classes}" style="animation-delay:{at:.1f}s" {position}>{line}</text>'
            )
        y += height + 10
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {y - 9:.0f}" width="{width}" '
        f'height="{y - 9:.0f}" role="img" aria-labelledby="title desc">',
        f'<title id="title">{html.escape(title)}</title>',
        f'<desc id="desc">{html.escape(description)}</desc>',
        f"<style>\n{STYLE}</style>",
    ]
    return "\n".join((*head, *parts, "</svg>", ""))


def _moments(times: list[float]) -> dict[float, float]:
    """Work out when each line is shown: as it came, without long waits, and slowly enough to be read."""
    shown_at, before, now = {}, times[0], 0.0
    for at in times:
        now += min(LONGEST_PAUSE, max(at - before, 0.1)) if at != before else 0.0
        shown_at[at], before = now, at
    return shown_at


def wrapped(line: str) -> Iterator[str]:
    """Break a line into rows of the terminal's width, between words if possible; colours become classes."""
    pieces: list[tuple[str, str]] = []
    colour, place = "", 0
    for sequence in (*COLOUR.finditer(line), None):
        pieces += [(letter, colour) for letter in line[place : sequence.start() if sequence else len(line)]]
        if sequence:
            colour = " ".join(CLASSES[code] for code in sequence[1].split(";") if code in CLASSES)
            place = sequence.end()
    while len(pieces) > COLUMNS:
        space = max((at for at in range(COLUMNS) if pieces[at][0] == " "), default=0)
        end = space + 1 if space > COLUMNS // 2 else COLUMNS
        yield _row(pieces[:end])
        pieces = pieces[end:]
    yield _row(pieces)


def _row(pieces: list[tuple[str, str]]) -> str:
    row, before = "", ""
    for letter, colour in (*pieces, ("", "")):
        if colour != before:
            row += ("</tspan>" if before else "") + (f'<tspan class="{colour}">' if colour else "")
            before = colour
        row += html.escape(letter, quote=False)
    return row
