"""Requests: the list, and one of them."""

from gateway.texts import Sentence

WORDS: dict[str, Sentence] = {}
