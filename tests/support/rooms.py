"""The list of all modules in docs/architecture.md: `python -m tests.support.rooms` writes it."""

from pathlib import Path

from tests.support.pages import ROOT

PAGE = ROOT / "docs/architecture.md"
# The list is what stands between these.
BEGIN, END = "| package | its modules |\n| --- | --- |\n", "\n\n"
# In the order of an event's way.
ROOMS = (
    *("handlers", "gateway", "gateway/ingest", "gateway/diagnosis", "gateway/receiver", "gateway/queues"),
    *("gateway/links", "gateway/portal", "gateway/journal", "gateway/tools", "gateway/local", "gateway/cli"),
)


def folders() -> list[Path]:
    """Every folder of modules: each room in its order, with the folders inside it."""
    rooms = [ROOT / room for room in ROOMS]

    def rank(folder: Path) -> int:
        return max(number for number, room in enumerate(rooms) if room in (folder, *folder.parents))

    inside = {file.parent for room in rooms[:2] for file in room.rglob("*.py")}
    return sorted(inside, key=lambda folder: (rank(folder), folder))


def modules() -> str:
    """The rows of the list."""
    rows = []
    for folder in folders():
        names = sorted(file.stem for file in folder.glob("*.py") if file.stem != "__init__")
        words = " · ".join(f"`{name}`" for name in names) or "all in `__init__`"
        rows.append(f"| `{folder.relative_to(ROOT)}` | {words} |")
    return "\n".join(rows)


def written(page: str) -> str:
    """The page with the list as it has to be."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{modules()}{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text("utf-8")), "utf-8")
