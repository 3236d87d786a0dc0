"""What all tests share: the real parts, each from its module in `tests/parts/`."""

from pathlib import Path

PARTS = Path(__file__).parent / "parts"

pytest_plugins = [f"tests.parts.{path.stem}" for path in sorted(PARTS.glob("*.py"))]
