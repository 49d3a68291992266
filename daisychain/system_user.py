"""Accounts: the system user for programs that must not run as root, if we are root ourselves."""

from __future__ import annotations

import pwd
import subprocess
from contextlib import suppress

from daisychain.errors import DaisychainError

SYSTEM_USER = "daisychain"


def system_account() -> pwd.struct_passwd:
    """Return the account of the system user, which is made if it is missing; raises DaisychainError."""
    with suppress(KeyError):
        return pwd.getpwnam(SYSTEM_USER)
    command = ["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER]
    # Another process may make the same user at this moment: what counts is whether it exists afterwards.
    with suppress(OSError):
        subprocess.run(command, capture_output=True, check=False)
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        raise DaisychainError(
            f"PostgreSQL and Chromium do not run as root, and the system user {SYSTEM_USER!r} could not be made.",
            hint=f"Run as an ordinary user, or add the user by hand: {' '.join(command)}",
        ) from None
