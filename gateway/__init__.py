"""What the functions stand on: settings, decoding, events, queues, links, REST, logging, diagnosis."""
