"""`python -m bench.costs`: computes a month's costs on Google Cloud from its prices, for the guides' tables.

An upper bound: every event is a user's, and each changes a link. Instances are billed while they have a
request, rounded up to 100 ms; at high rates the requests share an instance's time.
"""

from math import ceil, log
from typing import NamedTuple

READ = "27 November 2026"
SOURCES = (
    "https://cloud.google.com/run/pricing",
    "https://cloud.google.com/pubsub/pricing",
    "https://cloud.google.com/firestore/pricing",
    "https://cloud.google.com/stackdriver/pricing",
)
# US dollars, in the cheaper regions (Cloud Run's tier 1; Firestore in one region, as in us-west1).
CPU_SECOND, FREE_CPU_SECONDS = 0.000024, 180_000
GIB_SECOND, FREE_GIB_SECONDS = 0.0000025, 360_000
MILLION_REQUESTS, FREE_REQUESTS = 0.40, 2_000_000
TIB, FREE_GIB = 40.0, 10
READS, WRITES, DELETES = 0.03 / 100_000, 0.09 / 100_000, 0.01 / 100_000
LOG_GIB, FREE_LOG_GIB = 0.50, 50

SECONDS = 30 * 86_400  # a month
GIB = 2**30
INSTANCE_GIB = 0.5  # MEMORY of deploy.sh
# The shortest time that is billed.
REQUEST_SECONDS = 0.1
# Requests per second that one instance certainly handles.
INSTANCE_RATE = 100
MESSAGE_BYTES = 1_200
# A filtered message is charged as delivered to each.
SUBSCRIPTIONS = 2
# What an event that moves a link costs.
DOCUMENT_READS, DOCUMENT_WRITES, DOCUMENT_DELETES = 4, 5, 1
# Two of Cloud Run's own entries and one of ours.
LOG_BYTES = 3_200


class Month(NamedTuple):
    """US dollars a month."""

    run: float
    pubsub: float
    firestore: float
    logs: float

    @property
    def total(self) -> float:
        return sum(self)


def instances(events_a_day: float) -> int:
    """Instances of one function that an even stream of events keeps busy."""
    return ceil(events_a_day / 86_400 / INSTANCE_RATE)


def month(events_a_day: int, destinations: int = 0) -> Month:
    """A month of so many events a day, each delivered to so many destinations too."""
    events = events_a_day * 30
    functions = 2 + destinations
    busy = min(events * REQUEST_SECONDS, instances(events_a_day) * SECONDS) * functions
    run = max(0, busy - FREE_CPU_SECONDS) * CPU_SECOND
    run += max(0, busy * INSTANCE_GIB - FREE_GIB_SECONDS) * GIB_SECOND
    run += max(0, events * functions - FREE_REQUESTS) / 1_000_000 * MILLION_REQUESTS
    carried = events * MESSAGE_BYTES * (1 + SUBSCRIPTIONS + destinations) / GIB
    firestore = events * (DOCUMENT_READS * READS + DOCUMENT_WRITES * WRITES + DOCUMENT_DELETES * DELETES)
    logged = events * LOG_BYTES * functions / 2 / GIB
    return Month(
        run,
        max(0, carried - FREE_GIB) / 1024 * TIB,
        firestore,
        max(0, logged - FREE_LOG_GIB) * LOG_GIB,
    )


def row(events_a_day: int) -> str:
    """A row of the guides' table: the events, the four parts, their sum, and what one destination adds."""
    costs = month(events_a_day)
    more = month(events_a_day, destinations=1).total - costs.total
    cells = [*costs, costs.total, more]
    return f"| {events_a_day:,} | " + " | ".join(f"${round(cell):,}" for cell in cells) + " |"


# A busy hour has so many times an even hour's events.
BUSY = 5
# Firestore's rule for a new collection.
FIRST_OPERATIONS, GROWTH, GROWTH_MINUTES = 500, 1.5, 5
# Those of a destination's subscription.
ATTEMPTS, FIRST_PAUSE, LONGEST_PAUSE = 100, 10, 600
AT_ONCE = 4  # to one destination


def ramp_minutes(operations: float) -> int:
    """How long Firestore takes to scale from nothing to so many operations per second."""
    steps = ceil(log(max(1.0, operations / FIRST_OPERATIONS), GROWTH))
    return steps * GROWTH_MINUTES


def patience_hours() -> float:
    """How long a destination may be down until its first event is a dead letter."""
    pauses = [min(FIRST_PAUSE * 2**number, LONGEST_PAUSE) for number in range(ATTEMPTS - 1)]
    return float(sum(pauses)) / 3600


def scale(events_a_day: int) -> list[str]:
    """The cells of the column for so many events a day, in the order of the guide's table."""
    even = events_a_day / 86_400
    writes, busy_writes = even * DOCUMENT_WRITES, even * BUSY * DOCUMENT_WRITES
    operations = even * BUSY * (DOCUMENT_READS + DOCUMENT_WRITES)
    return [
        f"{even:,.0f} / {even * BUSY:,.0f}",
        f"{instances(events_a_day):,} / {instances(events_a_day * BUSY):,}",
        f"{even * MESSAGE_BYTES / 1e6:.2f} / {even * BUSY * MESSAGE_BYTES / 1e6:.2f}",
        f"{writes:,.0f} / {busy_writes:,.0f}",
        f"{ramp_minutes(operations)}",
    ]


if __name__ == "__main__":
    for events in (1_000, 100_000, 1_000_000, 100_000_000):
        print(row(events), *scale(events), sep="\n  ")
    print(f"patience: {patience_hours():.1f} hours")
