"""Users of this machine: who runs a command, and the users that own what root must not run itself."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from daisychain.errors import DaisychainError

SYSTEM_USER = "daisychain"
# Chromium shows what others wrote, so its user owns nothing: not the databases, not a home.
BROWSER_USER = "daisychain-browser"


def acting_user(environment: Mapping[str, str] = os.environ, login: Path = Path("/proc/self/loginuid")) -> str:
    """Return the name of the user who runs this command, as decisions record it: the login behind sudo and su.

    The kernel keeps who logged in. If it does not (in containers), sudo's word counts for root only: an ordinary
    user can set any variable, as `USER` and `LOGNAME`.
    """
    with suppress(OSError, ValueError, KeyError):
        return pwd.getpwuid(int(login.read_text())).pw_name
    with suppress(ValueError, KeyError):
        if os.getuid() == 0:
            return pwd.getpwuid(int(environment["SUDO_UID"])).pw_name
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"user {os.getuid()}"


def system_account(name: str = SYSTEM_USER) -> pwd.struct_passwd:
    """Return the account of a system user, which is made if it is missing; raises DaisychainError."""
    with suppress(KeyError):
        return pwd.getpwnam(name)
    command = ["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", name]
    # Another process may make the same user at this moment: what counts is whether it exists afterwards.
    with suppress(OSError):
        subprocess.run(command, capture_output=True, check=False)
    try:
        return pwd.getpwnam(name)
    except KeyError:
        raise DaisychainError(
            f"PostgreSQL and Chromium do not run as root, and the system user {name!r} could not be made.",
            hint=f"Run as an ordinary user, or add the user by hand: {' '.join(command)}",
        ) from None
