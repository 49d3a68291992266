"""A sink that answers 202 to every request, as SendGrid would: a process of its own, with as little work as can be.

It answers at once, or after so many seconds as its argument says, and keeps connections for the next request.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
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


async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read requests whole and accept them, until the other side ends the connection, or said that it would."""
    with contextlib.suppress(asyncio.IncompleteReadError):
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = next(
                (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.startswith(b"content-length:")), 0
            )
            if length:
                await reader.readexactly(length)
            await asyncio.sleep(AFTER)
            writer.write(ANSWER)
            await writer.drain()
            if b"connection: close" in head:
                break
    writer.close()


async def main() -> None:
    """Serve until killed; the first line of stdout is the port."""
    server = await asyncio.start_server(take, "127.0.0.1", 0, limit=1 << 22)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
