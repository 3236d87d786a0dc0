"""What the functions stand on: settings, decoding, events, queues, links, REST, logging, diagnosis."""

__version__ = "0.2.0"
