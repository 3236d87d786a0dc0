"""The documents as their readers use them: the commands that they print, ready to be run."""

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
SHELLS = ("sh", "bash", "console", "shell")

_BLOCK = re.compile(r"^(?P<indent> *)```(?P<kind>\w*)\n(?P<text>.*?)^ *```$", re.M | re.S)
_HEREDOC = re.compile(r"<<'?(\w+)'?")


class Block(NamedTuple):
    """A fenced block: its language, its text, and where it stands."""

    kind: str
    text: str
    at: str


def pages() -> list[str]:
    """Every document that prints commands to people, by its path in the repository."""
    paths = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "findings").glob("*.md")]
    return sorted(str(path.relative_to(ROOT)) for path in paths)


def blocks(page: str) -> list[Block]:
    text = (ROOT / page).read_text(encoding="utf-8")
    all_blocks = []
    for match in _BLOCK.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        lines = [row.removeprefix(match["indent"]) for row in match["text"].splitlines()]
        all_blocks.append(Block(match["kind"], "\n".join(lines) + "\n", f"{page}:{line}"))
    return all_blocks


def shell_blocks(page: str) -> list[Block]:
    return [block for block in blocks(page) if block.kind in SHELLS]


def commands(block: str) -> list[str]:
    """The commands of a block one by one, without comments; what is continued stays together."""
    lines_of_commands: list[str] = []
    waiting: list[str] = []
    # The line that ends what has begun: a document's end mark, or a loop's `done`.
    until = ""
    for line in block.splitlines():
        if not waiting and (not line.strip() or line.lstrip().startswith("#")):
            continue
        waiting.append(line if until else re.sub(r"\s+# .*", "", line))
        if until:
            until = "" if line.strip() == until else until
        elif heredoc := _HEREDOC.search(line):
            until = heredoc[1]
        elif re.match(r"(for|while) .*; do$", line):
            until = "done"
        if not until and not waiting[-1].rstrip().endswith(("\\", "|", "&&")):
            lines_of_commands.append("\n".join(waiting))
            waiting = []
    assert not waiting, waiting
    return lines_of_commands
