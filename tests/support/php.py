"""Real PHP (Debian's php-cli) as the oracle for `parse_str` and `http_build_query`."""

import base64
import json
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

_PROGRAM = """
function h($a) {
    $o = [];
    foreach ($a as $k => $v) $o[] = [base64_encode((string)$k), is_array($v) ? h($v) : base64_encode($v)];
    return $o;
}
while (($line = fgets(STDIN)) !== false) {
    [$what, $argument] = explode(' ', trim($line) . ' ');
    $argument = base64_decode($argument);
    if ($what === 'parse') { parse_str($argument, $r); echo json_encode(h($r), 0, 2000), "\\n"; }
    else { echo base64_encode(http_build_query(json_decode($argument, true))), "\\n"; }
}
"""


class Php:
    """One PHP process that answers line by line."""

    def __init__(self, executable: str) -> None:
        settings = ["-d", "max_input_vars=100000", "-d", "display_errors=0"]
        self.process = subprocess.Popen(
            [executable, *settings, "-r", _PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def parse_str(self, body: bytes) -> dict[str, Any]:
        """What PHP makes of `body`: nested dicts; bytes that are no UTF-8 become U+FFFD."""
        return _read(json.loads(self._ask("parse", body)))

    def http_build_query(self, value: Any) -> bytes:
        return base64.b64decode(self._ask("build", json.dumps(value).encode()))

    def _ask(self, question: str, argument: bytes) -> bytes:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(question.encode() + b" " + base64.b64encode(argument) + b"\n")
        self.process.stdin.flush()
        return self.process.stdout.readline()


def _read(pairs: list[list[Any]]) -> dict[str, Any]:
    return {_text(key): _read(value) if isinstance(value, list) else _text(value) for key, value in pairs}


def _text(encoded: str) -> str:
    return base64.b64decode(encoded).decode("utf-8", "replace")


@pytest.fixture(scope="session")
def php() -> Iterator[Php]:
    executable = shutil.which("php")
    if executable is None:
        pytest.skip("PHP is missing: install Debian's php-cli (apt-get install php-cli)")
    running = Php(executable)
    yield running
    assert running.process.stdin is not None
    running.process.stdin.close()
    running.process.wait(10)
    assert running.process.stdout is not None
    running.process.stdout.close()
