"""The installation's secret: from the settings, or made once in the home of an embedded database."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from daisychain.errors import ConfigurationError
from daisychain.settings import Settings

SHORTEST = 32


def installation_secret(settings: Settings) -> str:
    """The secret that keys and cookies are made from; raises ConfigurationError if one must be set and is not."""
    if settings.secret_key:
        return _strong(settings.secret_key, "DAISYCHAIN_SECRET_KEY")
    if settings.database_url:
        return settings.need("secret_key", why="because several machines may share this database")
    kept = secret_file(settings)
    return _strong(made_once(kept, secrets.token_urlsafe), str(kept))


def secret_file(settings: Settings) -> Path:
    """Return the file in the home that holds the secret if no setting does."""
    return settings.home / "secret_key"


def _strong(secret: str, name: str) -> str:
    """Any mail that was sent lets its reader try guesses at the secret: it must be beyond guessing."""
    if len(secret) < SHORTEST:
        raise ConfigurationError(
            name, f"is too short: {SHORTEST} characters at least.",
            hint='Make one with: python3 -c "import secrets; print(secrets.token_urlsafe())"',
        )  # fmt: skip
    return secret


def derive(secret: str, purpose: str) -> bytes:
    """Return 32 bytes for one purpose only: HMAC-SHA256 of the purpose under the installation's secret."""
    return hmac.new(secret.encode(), purpose.encode(), hashlib.sha256).digest()


def made_once(path: Path, make: Callable[[], str]) -> str:
    """Return the text in the file `path`; a missing file is made, for its owner only, with what `make` returns."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            # Written whole and linked into place: of two processes at once, one wins and both read the same.
            fresh = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(make())
                file.flush()
                os.fsync(descriptor)
            with suppress(FileExistsError):
                os.link(fresh, path)
            fresh.unlink()
        return path.read_text(encoding="ascii")
    except OSError as error:
        raise ConfigurationError(
            "DAISYCHAIN_HOME", f"({path.parent}) can't be used: {error.strerror or error}."
        ) from None
