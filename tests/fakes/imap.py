"""A fake IMAP mailbox: the part of RFC 3501 needed to read and mark mails."""

from __future__ import annotations

import re
import socketserver
import threading
from typing import Self


class FakeMailbox(socketserver.ThreadingTCPServer):
    """The INBOX of one user; use it as a context manager. `flags` has the flags of each mail, in their order."""

    daemon_threads = True

    def __init__(self, *mails: bytes, user: str = "bounce", password: str = "secret") -> None:  # noqa: S107
        super().__init__(("127.0.0.1", 0), _Session)
        self.user, self.password = user, password
        self.mails: list[bytes] = []
        self.flags: list[set[str]] = []
        self.add(*mails)

    def add(self, *mails: bytes) -> None:
        """Add unseen mails."""
        self.mails += mails
        self.flags += [set() for _ in mails]

    @property
    def url(self) -> str:
        """The mailbox's IMAP_URL."""
        return f"imap://{self.user}:{self.password}@127.0.0.1:{self.server_address[1]}/INBOX"

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


class _Session(socketserver.StreamRequestHandler):
    server: FakeMailbox

    def handle(self) -> None:
        self._say("* OK here")
        while line := self.rfile.readline().decode():
            tag, command, *rest = line.strip().split(" ", 2)
            what = rest[0] if rest else ""
            if command == "UID":
                command, _, what = what.partition(" ")
            self._say(f"{tag} {self._answer(command.upper(), what)}")
            if command == "LOGOUT":
                return

    def _answer(self, command: str, what: str) -> str:
        if command == "LOGIN":
            right = [self.server.user, self.server.password] == [word.strip('"') for word in what.split(" ")]
            return "OK done" if right else "NO [AUTHENTICATIONFAILED] wrong"
        if command == "SELECT":
            return "OK done" if what == '"INBOX"' else "NO no such folder"
        if command == "CAPABILITY":
            self._say("* CAPABILITY IMAP4rev1")
        if command == "SEARCH":
            flagged = what.startswith("FLAGGED")
            found = [
                str(uid)
                for uid, flags in enumerate(self.server.flags, 1)
                if ("\\Flagged" in flags if flagged else "\\Seen" not in flags)
            ]
            self._say(f"* SEARCH {' '.join(found)}".rstrip())
        if command == "FETCH":
            self._fetch(what)
        if command == "STORE":
            uids, _, flags = what.partition(" +FLAGS.SILENT ")
            for uid in uids.split(","):
                self.server.flags[int(uid) - 1] |= set(flags.strip("()").split())
        return "OK done"

    def _fetch(self, what: str) -> None:
        found = re.fullmatch(r"(\d+) \(BODY\.PEEK\[\]<0\.(\d+)>\)", what)
        assert found, what
        mail = self.server.mails[int(found[1]) - 1][: int(found[2])]
        self._say(f"* {found[1]} FETCH (UID {found[1]} BODY[]<0> {{{len(mail)}}}")
        self.wfile.write(mail)
        self._say(")")

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())
