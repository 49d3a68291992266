"""A sink that answers 202 to every request, as SendGrid would: a process of its own, with as little work as can be."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

ANSWER = b"HTTP/1.1 202 Accepted\r\nX-Message-Id: sink\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@contextmanager
def accepting() -> Iterator[str]:
    """The URL of a sink that runs meanwhile."""
    sink = subprocess.Popen([sys.executable, "-m", __name__], stdout=subprocess.PIPE, text=True)
    assert sink.stdout is not None
    try:
        yield f"http://127.0.0.1:{sink.stdout.readline().strip()}"
    finally:
        sink.kill()
        sink.communicate()


async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read one request whole and accept it."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
    )
    if length:
        await reader.readexactly(length)
    writer.write(ANSWER)
    await writer.drain()
    writer.close()


async def main() -> None:
    """Serve until killed; the first line of stdout is the port."""
    server = await asyncio.start_server(take, "127.0.0.1", 0, limit=1 << 22)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
