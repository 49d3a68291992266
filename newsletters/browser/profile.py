"""Profile: the folder in which one Chromium keeps what is its own, and the account and environment that it runs with.

What it shows was written by others: it gets none of our secrets, and is never root, nor the user that owns the
databases. The folder is locked for as long as we live; one that nobody holds was left by a process that was killed, and
goes when the next browser starts.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from daisychain.system_user import BROWSER_USER, system_account

PREFIX = "daisychain-chromium-"
PASSED = ("PATH", "LANG", "LC_ALL", "FONTCONFIG_FILE", "FONTCONFIG_PATH")
_YOUNG = 60  # seconds in which a folder that was just made is surely locked


class Profile:
    """A new folder, at `path`; raises DaisychainError as root, if there is no other account to run as."""

    def __init__(self, *, sandbox: bool = True) -> None:
        self._sandbox = () if sandbox else ("--no-sandbox",)
        account = system_account(BROWSER_USER) if os.geteuid() == 0 else None
        _clear_up()
        self._folder = tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True)
        self._lock = os.open(self._folder.name, os.O_RDONLY)
        fcntl.flock(self._lock, fcntl.LOCK_SH)
        self.path = Path(self._folder.name) / "profile"
        self.path.mkdir(mode=0o700)
        self.environment = {name: os.environ[name] for name in PASSED if name in os.environ} | {"HOME": str(self.path)}
        self._switch: tuple[str, ...] = ()
        if account:
            Path(self._folder.name).chmod(0o711)
            os.chown(self.path, account.pw_uid, account.pw_gid)
            ids = f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}"
            self._switch = (shutil.which("setpriv") or "setpriv", *ids, "--clear-groups", "--no-new-privs")

    def command(self, program: str, *arguments: str) -> list[str]:
        """Return the words that start `program` here, under the account that it runs as."""
        return [*self._switch, program, *self._sandbox, f"--user-data-dir={self.path}", *arguments]

    def close(self) -> None:
        """Forget what the browser kept."""
        os.close(self._lock)
        self._folder.cleanup()


def _clear_up() -> None:
    """Remove our folders that no process holds any more."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                status = os.fstat(handle)
                if status.st_uid == os.geteuid() and time.time() - status.st_mtime > _YOUNG:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(folder)
            finally:
                os.close(handle)
