"""What the functions are built on: settings, decoding, events, queues, links, REST, logging, diagnosis.

A bot imports only `gateway.links`, and people use the commands of `b24`: these stay as they are, or the
changelog says what to do. All other modules may change with any version.
"""

__version__ = "0.2.0"
