"""Reads a request in a hex dump: Wireshark's bytes and followed streams, xxd, hexdump -C, tcpdump -X."""

import re

from gateway.tools.explain.request import Request, read_raw

# The offset, then pairs of digits, single or two together; what is printed after them is ignored.
_LINE = re.compile(
    r"[ \t]{0,8}(?:0x)?([0-9A-Fa-f]{4,8}):?[ \t]{1,4}"
    r"((?:(?:[0-9A-Fa-f]{2}){1,2}[ \t]{1,3}){0,15}(?:[0-9A-Fa-f]{2}){1,2})(?=[ \t]{2}|[ \t]*\Z)"
)
_REQUEST = re.compile(rb"(?:GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS) \S{1,9000} HTTP/1\.\d\r?\n")
_WIDTH = 16  # bytes per line
# Fewer lines cannot be the dump of a request.
_FEWEST = 4


def read_hex(text: str) -> Request | None:
    """The first request in a dump of one or several packets; None if `text` is not a dump."""
    packets: list[bytes] = []
    next_offset = 0
    count = 0
    for line in text.splitlines():
        match = _LINE.match(line)
        if match is None:
            continue
        count += 1
        offset, octets = int(match[1], 16), bytes.fromhex(re.sub(r"\s", "", match[2]))[:_WIDTH]
        if not packets or offset != next_offset:
            packets.append(b"")
        packets[-1] += octets
        next_offset = offset + len(octets)
    if count < _FEWEST:
        return None
    for number, packet in enumerate(packets):
        if start := _REQUEST.search(packet):
            # In the packets that follow, the headers of Ethernet, IP and TCP have the same length.
            following = b"".join(later[start.start() :] for later in packets[number + 1 :])
            return _cut(packet[start.start() :] + following)
    return None


def _cut(raw: bytes) -> Request:
    """The request without the bytes that followed it on the connection."""
    head, blank, body = raw.partition(b"\r\n\r\n")
    length = re.search(rb"(?im)^content-length: *(\d{1,7})", head)
    request = read_raw(head + blank + (body[: int(length[1])] if length else body))
    return Request(request.method, request.target, request.headers, request.body, "hex_dump")
