"""A sink that answers 202 to every request, as SendGrid would: a process of its own, with as little work as can be.

It answers at once, or after so many seconds as its argument says, and keeps connections for the next request.
"""

from __future__ import annotations

import re
import socket
import socketserver
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

AFTER = float(sys.argv[1]) if __name__ == "__main__" and len(sys.argv) > 1 else 0.0
ANSWER = b"HTTP/1.1 202 Accepted\r\nX-Message-Id: sink\r\nContent-Length: 0\r\n\r\n"


@contextmanager
def accepting(after: float = 0.0) -> Iterator[str]:
    """The URL of a sink that runs meanwhile, and answers `after` so many seconds."""
    sink = subprocess.Popen([sys.executable, "-m", __name__, str(after)], stdout=subprocess.PIPE, text=True)
    assert sink.stdout is not None
    try:
        yield f"http://127.0.0.1:{sink.stdout.readline().strip()}"
    finally:
        sink.kill()
        sink.communicate()


class Take(socketserver.BaseRequestHandler):
    """Take requests whole and accept them, until the other side ends the connection, or said that it would."""

    def handle(self) -> None:
        """Discard the bodies in the kernel: MSG_TRUNC copies nothing, so that the sink costs the sender no core."""
        while head := self._head():
            length = re.search(rb"content-length: *(\d+)", head)
            left = int(length[1]) if length else 0
            while left and (taken := len(self.request.recv(min(left, 1 << 20), socket.MSG_TRUNC))):
                left -= taken
            time.sleep(AFTER)
            self.request.sendall(ANSWER)
            if b"connection: close" in head:
                return

    def _head(self) -> bytes:
        """Read a request's head, and nothing of its body; empty at the end of the connection."""
        head = b""
        while b"\r\n\r\n" not in head:
            seen = self.request.recv(1 << 16, socket.MSG_PEEK)
            end = seen.find(b"\r\n\r\n")
            part = self.request.recv(end + 4 if end >= 0 else max(len(seen) - 3, 1))
            if not part:
                return b""
            head += part
        return head.lower()


if __name__ == "__main__":
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Take) as server:
        sys.stdout.write(f"{server.server_address[1]}\n")
        sys.stdout.flush()
        server.serve_forever()
