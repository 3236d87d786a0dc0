"""Cold start: from the process's start to the first 200 of a verified and published webhook."""

import datetime
import time
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from bench.instances import far_side, start
from bench.parts import Bench, check_topic
from bench.sample import Result, alternate

WHAT = "process start to the first 200, byte-code compiled"


def once(bench: Bench, app: str, settings: Mapping[str, str]) -> float:
    """Milliseconds of one cold start."""
    [request] = bench.requests(1)
    started = time.perf_counter()
    with start(app, bench.directory, settings) as instance:
        instance.post(request)
        return (time.perf_counter() - started) * 1000


def on_the_emulator(bench: Bench) -> Iterator[Result]:
    topic = bench.topic()
    settings = bench.settings(QUEUE_URL=topic.url, PUBSUB_EMULATOR_HOST=bench.emulator.host)
    starts = {app: partial(once, bench, app, settings) for app in ("hello", "ours", "naive")}
    for first in starts.values():
        # This compiles byte-code and reads files into memory.
        first()
    rounds = bench.rounds(15)
    measured_starts = alternate(rounds, **starts)
    check_topic(topic, 2 * (rounds + 1))
    yield Result(
        figure="cold start",
        what=WHAT + ", Pub/Sub emulator",
        yardstick_is="hello-world",
        unit="ms",
        ours=measured_starts["ours"],
        yardstick=measured_starts["hello"],
        aim=1.30,
        rivals={"naive": measured_starts["naive"]},
    )


def with_googles_authentication(bench: Bench) -> Iterator[Result]:
    """A token from a metadata server, then TLS to a server that pretends to be pubsub.googleapis.com."""
    certificate, trusted = _certificate(bench.directory)
    metadata = bench.stack.enter_context(far_side("metadata"))
    google = bench.stack.enter_context(far_side("pubsub", str(certificate)))
    settings = bench.settings(
        GCE_METADATA_HOST=f"127.0.0.1:{metadata}",
        GCE_METADATA_IP=f"127.0.0.1:{metadata}",
        K_SERVICE="bench",
        SSL_CERT_FILE=str(trusted),
        BENCH_PUBSUB_PORT=str(google),
    )
    topic = bench.topic()
    rival = settings | {"QUEUE_URL": topic.url, "PUBSUB_EMULATOR_HOST": bench.emulator.host}
    starts = {app: partial(once, bench, app, settings) for app in ("hello", "google")}
    # Its publish needs no TLS, because the emulator accepts it.
    starts["naive"] = partial(once, bench, "naive", rival)
    for first in starts.values():
        first()
    measured_starts = alternate(bench.rounds(15), **starts)
    yield Result(
        figure="cold start, authenticated",
        what=WHAT + ", metadata server and TLS",
        yardstick_is="hello-world",
        unit="ms",
        ours=measured_starts["google"],
        yardstick=measured_starts["hello"],
        aim=1.42,
        rivals={"naive": measured_starts["naive"]},
    )


def _certificate(directory: Path) -> tuple[Path, Path]:
    """A certificate of pubsub.googleapis.com with its key, and a bundle of real length that trusts it."""
    import certifi
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "pubsub.googleapis.com")])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=2))
    host = x509.SubjectAlternativeName([x509.DNSName("pubsub.googleapis.com")])
    signed = builder.add_extension(host, critical=False).sign(key, hashes.SHA256())
    public = signed.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    certificate, trusted = directory / "google.pem", directory / "trusted.pem"
    certificate.write_bytes(private + public)
    trusted.write_bytes(Path(certifi.where()).read_bytes() + public)
    return certificate, trusted
