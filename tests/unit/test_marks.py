"""Marks: only an accepted token makes one, for one purpose, over one content."""

import pytest

from gateway.marks import PROBE_HEADER, PROBE_SECONDS, is_ours, is_probe, probe_mark, sign

OLD, NEW, STRANGE = b"o" * 32, b"n" * 32, b"s" * 32
NOW = 1_750_000_000.0


def test_any_accepted_token_verifies() -> None:
    mark = sign("record", b"content", (OLD,))
    assert is_ours("record", b"content", mark, (NEW, OLD))
    assert not is_ours("record", b"content", mark, (STRANGE,))
    assert not is_ours("record", b"other", mark, (OLD,))
    assert not is_ours("probe", b"content", mark, (OLD,))
    assert not is_ours("record", b"content", mark, ())
    assert sign("record", b"content", ()) == ""
    assert not is_ours("record", b"content", "", (OLD,))


def test_a_probes_mark_ends() -> None:
    header = probe_mark((NEW,), NOW)[PROBE_HEADER]
    assert is_probe(header, (OLD, NEW), NOW + PROBE_SECONDS - 1)
    assert not is_probe(header, (OLD, NEW), NOW + PROBE_SECONDS + 1)
    assert not is_probe(header, (STRANGE,), NOW)
    assert probe_mark((), NOW) == {}


@pytest.mark.parametrize(
    "header", ["", ".", "1", "x.y", "²." + "0" * 64, "9" * 5000, f"{int(NOW)}.", f"{int(NOW)}.\udcff"]
)
def test_a_made_up_mark_makes_no_probe(header: str) -> None:
    assert not is_probe(header, (NEW,), NOW)
