"""One connection to an SMTP relay: sends a mail to each person and reads the relay's answer to it.

smtplib opens and closes the connection. Sending is our own code: with pipelining (RFC 2920) MAIL, RCPT and DATA are
one write instead of three round trips, and the mail is not copied or searched for dots again. The final dot is the end
of the write, so an error while writing means that the mail was not accepted.
"""

from __future__ import annotations

import contextlib
import re
import smtplib
import socket
import ssl
import threading
from typing import Any

from sender.providers.deadline import Deadline
from sender.providers.failures import Stage, verdict_of
from sender.providers.mail_servers import MailServer
from sender.providers.provider import Verdict

# RFC 5321 allows 512 bytes a line; real relays send more. Longer than this is treated as a broken connection.
_LONGEST_LINE, _MOST_LINES = 8_192, 100


def connect(relay: MailServer, own_name: str, *, timeout: float, tls: ssl.SSLContext | None = None) -> SmtpConnection:
    """Connect, start TLS and sign in as the relay's URL says; raises OSError (smtplib's errors are OSErrors too).

    `own_name` is our name in EHLO. Without one smtplib asks the DNS for it, which can take as long as a timeout.
    """
    context = None if relay.security == "none" else tls or ssl.create_default_context()
    connection: Any  # smtplib.SMTP; `_host` is the name for TLS, which it takes from its own first argument only
    if relay.security == "tls":
        connection = smtplib.SMTP_SSL(local_hostname=own_name, timeout=timeout, context=context)
    else:
        connection = smtplib.SMTP(local_hostname=own_name, timeout=timeout)
    connection._host = relay.host
    # smtplib's timeout is for each read: a relay that greets a byte at a time would keep us for ever.
    guard = threading.Timer(timeout, _hang_up, [connection])
    guard.daemon = True
    guard.start()
    try:
        code, reply = connection.connect(relay.host, relay.port)
        if code != 220:
            raise smtplib.SMTPConnectError(code, reply)
        connection.ehlo_or_helo_if_needed()
        if relay.security == "starttls":
            connection.starttls(context=context)
            connection.ehlo_or_helo_if_needed()
        if relay.user:
            connection.login(relay.user, relay.password)
        return SmtpConnection(connection, timeout)
    except BaseException:
        connection.close()
        raise
    finally:
        guard.cancel()


def _hang_up(connection: smtplib.SMTP) -> None:
    if connection.sock is not None:
        with contextlib.suppress(OSError):
            socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)  # a TLS socket's own would break its reader


class SmtpConnection:
    """One open connection to a relay, for one thread at a time.

    `served` counts the mails that the relay answered. Once `usable` is False, the connection can only be closed.
    """

    def __init__(self, connection: smtplib.SMTP, timeout: float) -> None:
        assert connection.sock is not None
        self._connection = connection
        self._socket = connection.sock
        # smtplib's own reader, if there is one, may have buffered replies already.
        self._replies = connection.file or self._socket.makefile("rb")
        self._pipelining = connection.has_extn("pipelining")
        self._timeout = timeout
        self._takes_size = connection.has_extn("size")
        named = re.match(r"[0-9]{1,18}", connection.esmtp_features.get("size", ""), re.ASCII)
        self._most_bytes = int(named[0]) if named else 0  # 0: the relay names no limit (RFC 1870, 3)
        self._aborted = False  # whether the relay still has a transaction open that we gave up
        self.served = 0
        self.usable = True

    def close(self) -> None:
        """Say QUIT if the relay still listens, and close."""
        if self.usable:
            with contextlib.suppress(OSError):
                self._socket.settimeout(1)  # the mails are accepted; the reply to QUIT is not worth a wait
                self._connection.quit()
        self._replies.close()
        self._connection.close()

    def send(self, sender: str, address: str, mail: bytes) -> tuple[Verdict, str]:
        """Send one mail, none of whose lines may begin with a dot; returns its verdict and the relay's reply.

        A mail that is larger than the relay takes is refused here, and not transferred.
        RETRY means that the mail was not accepted and that the connection is gone, or about to be closed.
        """
        if 0 < self._most_bytes < len(mail):
            reply = f"552 5.3.4 the mail is larger than the {self._most_bytes:,} bytes that the relay takes"
            return verdict_of("smtp", "size"), reply
        verdict, reply = self._transaction(sender, address, mail)
        if verdict in (Verdict.RETRY, Verdict.UNCERTAIN):
            self.usable = False
        else:
            self.served += 1
        return verdict, reply

    def _transaction(self, sender: str, address: str, mail: bytes) -> tuple[Verdict, str]:
        try:
            verdict, reply = self._envelope(sender, address, len(mail))
            if verdict is not Verdict.ACCEPTED:
                return verdict, reply
            self._socket.settimeout(self._timeout)  # for the whole mail, not each write
            self._socket.sendall(mail + b".\r\n")
        except OSError as error:
            return verdict_of("smtp", "content"), error_text(error)
        try:
            code, reply = self._read_reply()
        except OSError as error:
            return verdict_of("smtp", "end"), f"no reply to the end of a mail: {error_text(error)}"
        return _verdict("end", code, expected=250), reply

    def _envelope(self, sender: str, address: str, size: int) -> tuple[Verdict, str]:
        """Send MAIL, RCPT and DATA; returns the verdict on the first reply that is not as expected."""
        stages: list[Stage] = ["MAIL", "RCPT", "DATA"]
        mail_from = f"MAIL FROM:<{sender}>" + (f" SIZE={size}" if self._takes_size else "")
        commands = list(zip(stages, [mail_from, f"RCPT TO:<{address}>", "DATA"], strict=True))
        # A relay must accept RSET (RFC 5321, 4.1.1.5).
        if self._aborted:
            commands.insert(0, ("MAIL", "RSET"))
        self._aborted = False
        for group in [commands] if self._pipelining else [[command] for command in commands]:
            self._socket.sendall("".join(f"{command}\r\n" for _, command in group).encode("ascii"))
            for place, (stage, command) in enumerate(group):
                code, reply = self._read_reply()
                verdict = _verdict(stage, code, expected=354 if command == "DATA" else 250)
                if verdict is Verdict.ACCEPTED:
                    continue
                if verdict is not Verdict.RETRY:
                    self._abort([sent for _, sent in group[place + 1 :]])
                return verdict, reply
        return Verdict.ACCEPTED, ""

    def _abort(self, pipelined: list[str]) -> None:
        """Read the replies to commands that were pipelined already, so that the next mail does not get them.

        A relay may accept DATA even so (RFC 2920, 3.1). Ending it with no content could send an empty mail, so the
        connection is dropped instead. An error here loses no reply about a person.
        """
        self._aborted = True
        try:
            for command in pipelined:
                code, _ = self._read_reply()
                if command == "DATA" and code == 354:
                    self.usable = False
        except OSError:
            self.usable = False

    def _read_reply(self) -> tuple[int, str]:
        """Read the relay's next reply as code and text, -1 for an invalid code; raises OSError if it hung up."""
        texts: list[str] = []
        deadline = Deadline(self._timeout)
        for _ in range(_MOST_LINES):
            line = self._read_line(deadline, first=not texts)
            if not line.endswith(b"\n"):
                raise ConnectionError("the connection was closed")
            code = int(line[:3]) if line[:3].isdigit() else -1
            texts.append(line[4:].strip().decode("utf-8", "replace") if code > 0 else "not an SMTP reply")
            if line[3:4] != b"-" or code < 0:
                return code, f"{code} {' '.join(texts)}" if code > 0 else texts[-1]
        raise ConnectionError("the reply is too long")

    def _read_line(self, deadline: Deadline, *, first: bool) -> bytes:
        """Read to the end of a line, but no further than the deadline, also if it comes a byte at a time."""
        line = b""
        while not line.endswith(b"\n") and len(line) < _LONGEST_LINE:
            if line or not first:  # setting a timeout is a system call; most replies come whole
                deadline.limit(self._socket)
            ahead = self._replies.peek(1)  # reads from the socket at most once
            if not ahead:
                break
            if line or not first:
                self._socket.settimeout(self._timeout)
            line += self._replies.read(ahead.find(b"\n") + 1 or len(ahead))
        return line


def _verdict(stage: Stage, code: int, *, expected: int) -> Verdict:
    """Judge a reply; any code of the same hundred as `expected` will do (RFC 5321, 4.2.1)."""
    return Verdict.ACCEPTED if code // 100 == expected // 100 else verdict_of("smtp", stage, code)


def error_text(error: OSError) -> str:
    """Return the message of the relay or the network in an error."""
    if isinstance(error, smtplib.SMTPResponseException):
        reply = error.smtp_error
        return f"{error.smtp_code} {reply if isinstance(reply, str) else reply.decode('utf-8', 'replace')}"
    return str(error) or type(error).__name__
