"""What all tests share: the real parts, each from its module in `tests/parts/`."""

from pathlib import Path

from hypothesis import HealthCheck, settings

# A slow machine is no failure: no example has a time of its own.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

PARTS = Path(__file__).parent / "parts"

pytest_plugins = [f"tests.parts.{path.stem}" for path in sorted(PARTS.glob("*.py"))]
