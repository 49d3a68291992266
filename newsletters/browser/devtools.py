"""DevTools: one Chromium, spoken to over two pipes in the protocol that its own developer tools use.

Pipes need no port, which others on the machine could reach, and no library; and a browser whose pipe closes ends by
itself, however its user died. Protocol: https://chromedevtools.github.io/devtools-protocol/
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from daisychain.errors import DaisychainError
from newsletters.browser.profile import Profile

_SECONDS = 30  # for one answer, on a machine with much else to do
_SECONDS_TO_END = 5
_ARGUMENTS = (
    "--headless", "--remote-debugging-pipe", "--hide-scrollbars", "--disable-gpu", "--mute-audio", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
    # Pictures far below are drawn too.
    "--blink-settings=lazyLoadEnabled=false",
    # Nothing has an address but this machine, whatever a page asks for and whatever the browser itself would like.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    # A proxy would find addresses for it.
    "--no-proxy-server",
)  # fmt: skip

Heard = Callable[[str, Mapping[str, Any], str], None]


class BrowserError(DaisychainError):
    """Chromium did not start, or did not do what it was asked."""


class BrowserEndedError(BrowserError):
    """Chromium ended by itself; at its start it may be that there can be no sandbox here."""


class DevTools:
    """A running Chromium, whose id is `process`; `heard` gets each event: its name, its parameters, its session."""

    def __init__(self, program: str, heard: Heard, *, sandbox: bool = True) -> None:
        self._heard = heard
        self._number = 0
        self._unread = bytearray()
        try:
            self._profile = Profile(sandbox=sandbox)
        except DaisychainError as error:
            raise BrowserError(error.message, hint=error.hint) from None
        command = self._profile.command(program, *_ARGUMENTS, "about:blank")
        theirs_in, self._in = map(_high, os.pipe())
        self._out, theirs_out = map(_high, os.pipe())
        try:
            self.process = os.posix_spawn(
                command[0],
                command,
                self._profile.environment,
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, theirs_in, 3),
                    (os.POSIX_SPAWN_DUP2, theirs_out, 4),
                    (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                    (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
                ],
                setpgroup=0,
            )
        except OSError as error:
            os.close(self._in)
            os.close(self._out)
            self._profile.close()
            raise BrowserError(f"{command[0]} can't be started: {error.strerror}.") from None
        finally:
            os.close(theirs_in)
            os.close(theirs_out)

    def close(self) -> None:
        """End the browser, and forget what it kept."""
        os.close(self._in)
        deadline = time.monotonic() + _SECONDS_TO_END
        while os.waitpid(self.process, os.WNOHANG)[0] == 0:
            if time.monotonic() > deadline:
                with suppress(ProcessLookupError):
                    os.killpg(self.process, signal.SIGKILL)
                os.waitpid(self.process, 0)
                break
            time.sleep(0.02)
        os.close(self._out)
        self._profile.close()

    def call(self, method: str, session: str = "", **parameters: Any) -> Any:
        """Return the answer of `method`, as the protocol has it; raises BrowserError."""
        number = self.send(method, session, **parameters)
        deadline = time.monotonic() + _SECONDS
        while (message := self._message(deadline)).get("id") != number:
            self._tell(message)
        if "error" in message:
            raise BrowserError(f"Chromium refuses {method}: {message['error'].get('message')}.")
        return message["result"]

    def send(self, method: str, session: str = "", **parameters: Any) -> int:
        """Ask for `method` without waiting for its answer; return the number of the request."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        rest = memoryview(json.dumps(message).encode() + b"\0")
        try:
            while rest:
                rest = rest[os.write(self._in, rest) :]
        except BrokenPipeError:
            raise BrowserEndedError("Chromium ended by itself.") from None
        return self._number

    def listen(self, until: Callable[[], bool]) -> None:
        """Hear events until that holds; raises BrowserError if it does not come true in time."""
        deadline = time.monotonic() + _SECONDS
        while not until():
            self._tell(self._message(deadline))

    def _tell(self, message: Mapping[str, Any]) -> None:
        if "method" in message:
            self._heard(message["method"], message["params"], message.get("sessionId", ""))

    def _message(self, deadline: float) -> dict[str, Any]:
        while (end := self._unread.find(b"\0")) < 0:
            if not select.select([self._out], [], [], max(0, deadline - time.monotonic()))[0]:
                raise BrowserError(f"Chromium did not answer for {_SECONDS} seconds.")
            more = os.read(self._out, 1 << 20)
            if not more:
                raise BrowserEndedError(
                    "Chromium ended by itself.", hint="Start it by hand to see why: chromium --headless --dump-dom x"
                )
            self._unread += more
        message: dict[str, Any] = json.loads(self._unread[:end])
        del self._unread[: end + 1]
        return message


def _high(handle: int) -> int:
    """Return the same file under a number that is in nobody's way: Chromium wants 3 and 4 for its own ends."""
    try:
        return fcntl.fcntl(handle, fcntl.F_DUPFD_CLOEXEC, 10)
    finally:
        os.close(handle)
