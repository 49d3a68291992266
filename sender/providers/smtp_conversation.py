"""A relay, and one conversation with it: a mail a person, and for each the relay's own answer.

The standard library opens and closes a conversation. The mails go by our own few lines: where the relay offers
pipelining (RFC 2920), sender, recipient and DATA are one write instead of three turns, and nothing is copied or
searched on the way. A mail's end is the end of its write, so that an error while writing means that it was not taken.
"""

from __future__ import annotations

import contextlib
import smtplib
import ssl
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import unquote, urlsplit

from daisychain.errors import ConfigurationError
from sender.providers.failures import Moment, verdict_of
from sender.providers.provider import Verdict

Security = Literal["none", "starttls", "tls"]
_SCHEMES: dict[str, tuple[Security, int]] = {
    "smtp": ("none", 25),
    "smtp+starttls": ("starttls", 587),
    "smtps": ("tls", 465),
}

# RFC 5321 allows 512 bytes; real relays say more. A reply without end is no reply.
_LONGEST_LINE, _MOST_LINES = 8_192, 100


@dataclass(frozen=True)
class Relay:
    """Where SMTP_URL leads."""

    host: str
    port: int
    security: Security
    user: str = ""
    password: str = field(default="", repr=False)


def parse_url(url: str) -> Relay:
    """The relay that `url` names; raises ConfigurationError, without the password in it."""
    try:
        parts = urlsplit(url)
        security, port = _SCHEMES[parts.scheme]
        if not parts.hostname or parts.path.strip("/"):
            raise ValueError
        return Relay(
            parts.hostname,
            parts.port or port,
            security,
            unquote(parts.username or ""),
            unquote(parts.password or ""),
        )
    except (ValueError, KeyError):
        raise ConfigurationError(
            "SMTP_URL",
            "is not the URL of a relay.",
            hint="For example smtp+starttls://user:password@mail.your-charity.org:587; a special character "
            "in user or password is written as %XX.",
        ) from None


def converse(relay: Relay, own_name: str, *, timeout: float, tls: ssl.SSLContext | None = None) -> Conversation:
    """Connect, encrypt and sign in as the relay's URL says; raises OSError, smtplib's own among them.

    `own_name` is what we call ourselves; without one smtplib asks the DNS, which can take as long as a timeout.
    """
    context = None if relay.security == "none" else tls or ssl.create_default_context()
    connection: smtplib.SMTP
    if relay.security == "tls":
        connection = smtplib.SMTP_SSL(relay.host, relay.port, own_name, timeout=timeout, context=context)
    else:
        connection = smtplib.SMTP(relay.host, relay.port, own_name, timeout=timeout)
    try:
        connection.ehlo_or_helo_if_needed()
        if relay.security == "starttls":
            connection.starttls(context=context)
            connection.ehlo_or_helo_if_needed()
        if relay.user:
            connection.login(relay.user, relay.password)
        return Conversation(connection)
    except BaseException:
        connection.close()
        raise


class Conversation:
    """One open connection to a relay, for one thread at a time.

    `served` counts the mails that the relay answered for; once `usable` is False there is nothing to do but to close.
    """

    def __init__(self, connection: smtplib.SMTP) -> None:
        assert connection.sock is not None
        self._connection = connection
        self._socket = connection.sock
        # smtplib's own, if it has one, may hold what has come already.
        self._replies = connection.file or self._socket.makefile("rb")
        self._pipelining = connection.has_extn("pipelining")
        self._begun = False  # a transaction that was given up, and that the relay still has open
        self.served = 0
        self.usable = True

    def close(self) -> None:
        """Take leave, as far as the relay still listens."""
        if self.usable:
            with contextlib.suppress(OSError):
                self._socket.settimeout(1)  # the relay has its mails; its farewell is worth no wait
                self._connection.quit()
        self._replies.close()
        self._connection.close()

    def hand_over(self, sender: str, address: str, mail: bytes) -> tuple[Verdict, str]:
        """Offer one mail, none of whose lines begins with a dot; returns its verdict and the relay's words.

        WAIT means that the connection is gone, or is about to be, and that the mail was not taken.
        """
        verdict, words = self._offer(sender, address, mail)
        if verdict in (Verdict.WAIT, Verdict.UNCERTAIN):
            self.usable = False
        else:
            self.served += 1
        return verdict, words

    def _offer(self, sender: str, address: str, mail: bytes) -> tuple[Verdict, str]:
        try:
            verdict, words = self._envelope(sender, address)
            if verdict is not Verdict.ACCEPTED:
                return verdict, words
            self._socket.sendall(mail + b".\r\n")
        except OSError as error:
            return verdict_of("smtp", "content"), words_of(error)
        try:
            code, words = self._reply()
        except OSError as error:
            return verdict_of("smtp", "end"), f"no reply to the end of a mail: {words_of(error)}"
        return _verdict("end", code, taken=250), words

    def _envelope(self, sender: str, address: str) -> tuple[Verdict, str]:
        """Say whom the mail is from and for, up to DATA; returns the first verdict that is not as hoped for."""
        moments: list[Moment] = ["MAIL", "RCPT", "DATA"]
        commands = list(zip(moments, [f"MAIL FROM:<{sender}>", f"RCPT TO:<{address}>", "DATA"], strict=True))
        # No relay may refuse RSET (RFC 5321, 4.1.1.5).
        if self._begun:
            commands.insert(0, ("MAIL", "RSET"))
        self._begun = False
        for group in [commands] if self._pipelining else [[command] for command in commands]:
            self._socket.sendall("".join(f"{command}\r\n" for _, command in group).encode("ascii"))
            for place, (moment, command) in enumerate(group):
                code, words = self._reply()
                verdict = _verdict(moment, code, taken=354 if command == "DATA" else 250)
                if verdict is Verdict.ACCEPTED:
                    continue
                if verdict is not Verdict.WAIT:
                    self._give_up([said for _, said in group[place + 1 :]])
                return verdict, words
        return Verdict.ACCEPTED, ""

    def _give_up(self, said: list[str]) -> None:
        """Hear the replies to what was said already, so that the next mail finds the conversation in order.

        A relay may say yes to DATA all the same (RFC 2920, 3.1). To end it there with nothing in it might send an empty
        mail; breaking off sends none. A connection that breaks here takes nobody's answer away.
        """
        self._begun = True
        try:
            for command in said:
                code, _ = self._reply()
                if command == "DATA" and code == 354:
                    self.usable = False
        except OSError:
            self.usable = False

    def _reply(self) -> tuple[int, str]:
        """The relay's next reply, code and words; the code is -1 where it is none. Raises OSError at its end."""
        words = []
        for _ in range(_MOST_LINES):
            line: bytes = self._replies.readline(_LONGEST_LINE)
            if not line.endswith(b"\n"):
                raise ConnectionError("the connection broke off")
            code = int(line[:3]) if line[:3].isdigit() else -1
            words.append(line[4:].strip().decode("utf-8", "replace") if code > 0 else "no reply of a relay's")
            if line[3:4] != b"-" or code < 0:
                return code, f"{code} {' '.join(words)}" if code > 0 else words[-1]
        raise ConnectionError("a reply without end")


def _verdict(moment: Moment, code: int, *, taken: int) -> Verdict:
    """What a reply says, where `taken` is the code hoped for (any other of its hundred will do)."""
    return Verdict.ACCEPTED if code // 100 == taken // 100 else verdict_of("smtp", moment, code)


def words_of(error: OSError) -> str:
    """What a relay or the network said, on its way into an outcome."""
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        return f"{error.smtp_code} {said if isinstance(said, str) else said.decode('utf-8', 'replace')}"
    return str(error) or type(error).__name__
