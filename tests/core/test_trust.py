"""What is said of itself when a TLS connection is opened."""

import ssl
from contextlib import suppress

from dsr.trust import public_trust, trusting


def hello(context: ssl.SSLContext) -> bytes:
    """The first bytes of a connection by it."""
    sent = ssl.MemoryBIO()
    with suppress(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), sent, server_hostname="mail.example").do_handshake()
    return sent.read()


def test_a_mail_server_is_offered_no_protocol_of_http() -> None:
    """Some turn that away. httpcore sets what its connections speak, so it must not be mail's context."""
    for shared in (trusting("http"), public_trust()):
        shared.set_alpn_protocols(["h2"])  # by any client, while others connect: nothing is written
        assert b"http/1.1" in hello(shared)
        assert shared.verify_mode == ssl.CERT_REQUIRED
        assert shared.check_hostname
    assert b"http/1.1" not in hello(trusting("smtp"))
    assert trusting("smtp").verify_mode == ssl.CERT_REQUIRED
    assert trusting("smtp").check_hostname
