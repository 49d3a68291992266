"""One connection to an SMTP relay: sends a mail to each person and reads the relay's answer to it.

smtplib opens and closes the connection. Sending is our own code: with pipelining (RFC 2920) MAIL, RCPT and DATA are
one write instead of three round trips, and the mail is not copied or searched for dots again. The final dot is the end
of the write, so an error while writing means that the mail was not accepted.
"""

from __future__ import annotations

import contextlib
import smtplib
import ssl

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
        return SmtpConnection(connection)
    except BaseException:
        connection.close()
        raise


class SmtpConnection:
    """One open connection to a relay, for one thread at a time.

    `served` counts the mails that the relay answered. Once `usable` is False, the connection can only be closed.
    """

    def __init__(self, connection: smtplib.SMTP) -> None:
        assert connection.sock is not None
        self._connection = connection
        self._socket = connection.sock
        # smtplib's own reader, if there is one, may have buffered replies already.
        self._replies = connection.file or self._socket.makefile("rb")
        self._pipelining = connection.has_extn("pipelining")
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

        RETRY means that the mail was not accepted and that the connection is gone, or about to be closed.
        """
        verdict, reply = self._transaction(sender, address, mail)
        if verdict in (Verdict.RETRY, Verdict.UNCERTAIN):
            self.usable = False
        else:
            self.served += 1
        return verdict, reply

    def _transaction(self, sender: str, address: str, mail: bytes) -> tuple[Verdict, str]:
        try:
            verdict, reply = self._envelope(sender, address)
            if verdict is not Verdict.ACCEPTED:
                return verdict, reply
            self._socket.sendall(mail + b".\r\n")
        except OSError as error:
            return verdict_of("smtp", "content"), error_text(error)
        try:
            code, reply = self._read_reply()
        except OSError as error:
            return verdict_of("smtp", "end"), f"no reply to the end of a mail: {error_text(error)}"
        return _verdict("end", code, expected=250), reply

    def _envelope(self, sender: str, address: str) -> tuple[Verdict, str]:
        """Send MAIL, RCPT and DATA; returns the verdict on the first reply that is not as expected."""
        stages: list[Stage] = ["MAIL", "RCPT", "DATA"]
        commands = list(zip(stages, [f"MAIL FROM:<{sender}>", f"RCPT TO:<{address}>", "DATA"], strict=True))
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
        texts = []
        for _ in range(_MOST_LINES):
            line: bytes = self._replies.readline(_LONGEST_LINE)
            if not line.endswith(b"\n"):
                raise ConnectionError("the connection was closed")
            code = int(line[:3]) if line[:3].isdigit() else -1
            texts.append(line[4:].strip().decode("utf-8", "replace") if code > 0 else "not an SMTP reply")
            if line[3:4] != b"-" or code < 0:
                return code, f"{code} {' '.join(texts)}" if code > 0 else texts[-1]
        raise ConnectionError("the reply is too long")


def _verdict(stage: Stage, code: int, *, expected: int) -> Verdict:
    """Judge a reply; any code of the same hundred as `expected` will do (RFC 5321, 4.2.1)."""
    return Verdict.ACCEPTED if code // 100 == expected // 100 else verdict_of("smtp", stage, code)


def error_text(error: OSError) -> str:
    """Return the message of the relay or the network in an error."""
    if isinstance(error, smtplib.SMTPResponseException):
        reply = error.smtp_error
        return f"{error.smtp_code} {reply if isinstance(reply, str) else reply.decode('utf-8', 'replace')}"
    return str(error) or type(error).__name__
