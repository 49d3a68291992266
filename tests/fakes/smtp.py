"""A fake SMTP relay that fails as scripted. It is aiosmtpd, so that our SMTP is judged by somebody else's code."""

from __future__ import annotations

import asyncio
import ipaddress
import random
import socket
import ssl
import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any, Literal, Self, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

# When a mail can fail: at the three commands, halfway through the content, and after its end.
Moment = Literal["MAIL", "RCPT", "DATA", "body", "end"]
CUT = "cut the connection"


@dataclass
class FakeRelay:
    """The relay; use it as a context manager. `script` maps a moment and a recipient to a reply or CUT.

    MAIL has no recipient yet: its entries name the sender. A mail whose connection is cut at the end is still in
    `mails`, as some relays deliver it.
    """

    user: str = ""
    password: str = ""
    starttls: bool = False
    tls: ssl.SSLContext | None = None
    pipelining: bool = False
    eager: bool = False  # accepts DATA even without a valid recipient, as RFC 2920 allows
    most_mails: int = 0  # on one connection, which then ends with 421; 0 is no limit
    most_bytes: int = 33_554_432  # of a mail, as the greeting says; 0 is no limit
    delay: float = 0.0  # seconds before the reply to each mail
    failing: float = 0.0  # the share of all stages, connecting included, at which it cuts the connection
    chance: random.Random = field(default_factory=lambda: random.Random(0))
    script: dict[tuple[Moment, str], str] = field(default_factory=dict)
    addresses: list[str] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    senders: list[str] = field(default_factory=list)
    answering: int = 0  # mails that wait for their reply right now
    connections: int = 0
    logins: int = 0

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._protocols: list[_Protocol] = []
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=[ready], daemon=True)
        self._thread.start()
        ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    @property
    def url(self) -> str:
        """Return the relay's SMTP_URL, with credentials."""
        scheme = "smtp+starttls" if self.starttls else "smtps" if self.tls else "smtp"
        login = f"{self.user}:{self.password}@" if self.user else ""
        return f"{scheme}://{login}127.0.0.1:{self.port}"

    @property
    def copies(self) -> Counter[str]:
        """How many mails each address was sent."""
        return Counter(self.addresses)

    # Not a property: aiosmtpd looks at all members for each connection.
    def mails(self) -> list[tuple[str, EmailMessage]]:
        """Return what arrived, parsed: address and mail."""
        return [
            (address, message_from_bytes(raw, policy=default))
            for address, raw in zip(self.addresses, self.raw, strict=True)
        ]

    @property
    def open(self) -> int:
        """Count the open connections."""
        return sum(protocol.transport is not None for protocol in self._protocols)

    def hang_up(self) -> None:
        """Cut all connections."""
        for protocol in self._protocols:
            self._loop.call_soon_threadsafe(protocol.cut)

    def _run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        direct = None if self.starttls else self.tls
        listener = socket.socket()
        # A small buffer, so that a long mail can't be in it completely when its connection is cut.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
        listener.bind(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        starting = self._loop.create_server(self._protocol, sock=listener, ssl=direct)
        server = self._loop.run_until_complete(starting)
        ready.set()
        self._loop.run_forever()
        server.close()
        for protocol in self._protocols:
            protocol.cut()
        waiting = asyncio.all_tasks(self._loop)
        for task in waiting:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*waiting, asyncio.sleep(0), return_exceptions=True))
        self._loop.close()

    def _protocol(self) -> SMTP:
        self.connections += 1
        protocol = _Protocol(
            self,
            loop=self._loop,
            tls_context=self.tls if self.starttls else None,
            require_starttls=self.starttls,
            data_size_limit=self.most_bytes,
            auth_require_tls=False,
            authenticator=self._authenticate if self.user else None,
        )
        self._protocols.append(protocol)
        return protocol

    def _authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        login = cast(LoginPassword, data)
        right = (login.login.decode(), login.password.decode()) == (self.user, self.password)
        self.logins += right
        return AuthResult(success=right, handled=False)

    # aiosmtpd calls these by their names.
    async def handle_EHLO(  # noqa: N802
        self, server: _Protocol, session: Session, envelope: Envelope, name: str, offers: list[str]
    ) -> list[str]:
        session.host_name = name
        server.cut_by_chance()
        return [*offers[:-1], *(["250-PIPELINING"] if self.pipelining else []), offers[-1]]

    async def handle_MAIL(  # noqa: N802
        self, server: _Protocol, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        reply = server.scripted("MAIL", address)
        if not reply:
            envelope.mail_from = address
        return reply or "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: _Protocol, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        reply = server.scripted("RCPT", address)
        if not reply:
            envelope.rcpt_tos.append(address)
        return reply or "250 OK"

    async def handle_DATA(self, server: _Protocol, session: Session, envelope: Envelope) -> str:  # noqa: N802
        address, raw = envelope.rcpt_tos[0], cast(bytes, envelope.content)
        self.answering += 1
        try:
            await asyncio.sleep(self.delay)
        finally:
            self.answering -= 1
        reply = server.scripted("end", address)
        server.taken += 1
        if not reply or reply == CUT:
            self.addresses.append(address)
            self.senders.append(cast(str, envelope.mail_from))
            self.raw.append(raw)
        return reply or "250 OK"


class _Protocol(SMTP):
    def __init__(self, relay: FakeRelay, **options: Any) -> None:
        super().__init__(relay, **options)
        self.relay = relay
        self.taken = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.cut_by_chance()

    def cut_by_chance(self) -> bool:
        """Cut the connection at the relay's share of all stages."""
        unlucky = self.relay.chance.random() < self.relay.failing
        if unlucky:
            self.cut()
        return unlucky

    def scripted(self, moment: Moment, address: str) -> str:
        """Return the scripted reply, or ""; cut the connection if the script or chance says so."""
        reply = self.relay.script.get((moment, address), "")
        if self.cut_by_chance():
            reply = CUT
        if moment == "MAIL" and self.relay.most_mails and self.taken >= self.relay.most_mails:
            reply = "421 enough for one connection"
        if reply == CUT:
            self.cut()  # at once, so that the returned reply can't be sent any more
        elif reply.startswith("421"):
            self.loop.call_soon(self._wire().close)  # after the reply is sent, as real relays do
        return reply

    def cut(self) -> None:
        """Cut the connection, if it is still open."""
        if self.transport is not None:
            self._wire().abort()

    def _wire(self) -> asyncio.WriteTransport:
        return cast(asyncio.WriteTransport, self.transport)

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        addresses = cast(Envelope, self.envelope).rcpt_tos
        if not addresses:
            await self._data_for_nobody(arg)
            return
        address = addresses[0]
        if reply := self.scripted("DATA", address):
            await self.push(reply)
        elif ("body", address) in self.relay.script or self.relay.chance.random() < self.relay.failing:
            await self.push("354 go on")
            await self._reader.readline()
            self.cut()
        else:
            await super().smtp_DATA(arg)

    async def _data_for_nobody(self, arg: str) -> None:
        if not self.relay.eager:
            await super().smtp_DATA(arg)
            return
        await self.push("354 go on")
        while await self._reader.readline() != b".\r\n":
            pass
        await self.push("554 no valid recipients")


def certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Make TLS contexts for a server at 127.0.0.1, and for a client that trusts only this server."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "relay")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, encoding = folder / "relay.pem", serialization.Encoding.PEM
    clear = serialization.NoEncryption()
    pem.write_bytes(key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, clear) + made.public_bytes(encoding))
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(pem)
    return server, ssl.create_default_context(cadata=made.public_bytes(encoding).decode())
