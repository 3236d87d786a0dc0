"""A request in a hex dump: Wireshark's bytes and followed streams, xxd, hexdump -C, tcpdump -X."""

import re

from gateway.tools.explain.request import Request, read_raw

# The offset, then pairs of digits, single or two together; what is printed behind them is not looked at.
_LINE = re.compile(
    r"[ \t]{0,8}(?:0x)?([0-9A-Fa-f]{4,8}):?[ \t]{1,4}"
    r"((?:(?:[0-9A-Fa-f]{2}){1,2}[ \t]{1,3}){0,15}(?:[0-9A-Fa-f]{2}){1,2})(?=[ \t]{2}|[ \t]*\Z)"
)
_REQUEST = re.compile(rb"(?:GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS) \S{1,9000} HTTP/1\.\d\r?\n")
_WIDTH = 16  # bytes of a line
_FEWEST = 4  # lines: fewer are no dump of a request


def read_hex(text: str) -> Request | None:
    """The first request in a dump of one or several packets; None where `text` is no dump."""
    packets: list[bytes] = []
    ends = 0
    count = 0
    for line in text.splitlines():
        found = _LINE.match(line)
        if found is None:
            continue
        count += 1
        offset, octets = int(found[1], 16), bytes.fromhex(re.sub(r"\s", "", found[2]))[:_WIDTH]
        if not packets or offset != ends:
            packets.append(b"")
        packets[-1] += octets
        ends = offset + len(octets)
    if count < _FEWEST:
        return None
    for number, packet in enumerate(packets):
        if start := _REQUEST.search(packet):
            # The headers of Ethernet, IP and TCP are as long in the packets that follow.
            rest = b"".join(later[start.start() :] for later in packets[number + 1 :])
            return _cut(packet[start.start() :] + rest)
    return None


def _cut(raw: bytes) -> Request:
    """The request without what followed it on the connection."""
    head, blank, body = raw.partition(b"\r\n\r\n")
    length = re.search(rb"(?im)^content-length: *(\d{1,7})", head)
    request = read_raw(head + blank + (body[: int(length[1])] if length else body))
    return Request(request.method, request.target, request.headers, request.body, "hex_dump")
