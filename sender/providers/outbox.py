"""The outbox provider: writes mails as files to `<home>/outbox/<campaign>/`, for demos, tests and a first look.

Each mail is written under a temporary name and then linked to its final one. So an existing file is always complete,
and nothing is ever uncertain.
"""

from __future__ import annotations

import os
import re
import secrets
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from daisychain.errors import ProviderError
from daisychain.scrub import scrub
from daisychain.settings import Settings
from sender.providers.failures import verdict_of
from sender.providers.mime import MimeSkeleton
from sender.providers.provider import Mailing, Outcome, Recipient, Verdict

FOLDER = "outbox"
# Temporary names; an older file there was left by a killed process.
WRITING = ".writing"
LEFT_OVER = 3600  # seconds


class Outbox:
    """Writes one `mail-<key>.eml` a person; an existing file counts as accepted and is not written again."""

    name = "outbox"
    batch_size = most_at_once = 1_000
    by_conditions = False
    repeatable = True

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.home / FOLDER

    def check(self, from_address: str, links: Iterable[str] = ()) -> None:
        """Raise ProviderError unless the folder is writable."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            writable = os.access(self._folder, os.W_OK | os.X_OK)
        except OSError as error:
            raise ProviderError(f"The outbox folder {self._folder} can't be created: {error.strerror}.") from None
        if not writable:
            raise ProviderError(f"The outbox folder {self._folder} is not writable.")

    def reach(self) -> None:
        """Do nothing: the outbox is a folder."""

    def send(self, mailing: Mailing, recipients: Sequence[Recipient], attempt_key: str) -> Outcome:
        """Write the mails; if the disk fails, the rest wait."""
        folder, writing = self._folder / str(mailing.campaign_id), self._folder / WRITING
        _delete_left_over(writing)
        try:
            skeleton = MimeSkeleton(mailing)
        except ValueError as error:
            return Outcome(verdict_of("outbox", "preparing"), f"the mail can't be built: {scrub(str(error))}")
        refused: dict[int, str] = {}
        for done, person in enumerate(recipients):
            try:
                _write_once(writing, folder, person.header_key, skeleton.message(person))
                continue
            except ValueError as error:
                verdict, reason = verdict_of("outbox", "building"), scrub(str(error))
            except OSError as error:
                verdict, reason = verdict_of("outbox", "writing"), f"The outbox: {error.strerror}"
            if verdict is not Verdict.REFUSED_PERSON:
                left = frozenset(other.delivery_id for other in recipients[done:])
                return Outcome(Verdict.ACCEPTED if done else verdict, reason, refused=refused, waiting=left)
            refused[person.delivery_id] = reason
        return Outcome(Verdict.ACCEPTED, refused=refused)


def _delete_left_over(writing: Path) -> None:
    """Delete old temporary files: mails contain personal data, and nobody would look for them there."""
    for path in writing.glob("*"):
        with suppress(OSError):  # its writer, or another process, was faster
            if path.stat().st_mtime < time.time() - LEFT_OVER:
                path.unlink()


def _write_once(writing: Path, folder: Path, key: str, mail: bytes) -> None:
    if not re.fullmatch(r"[A-Za-z0-9_-]+", key):
        raise RuntimeError("a delivery key is not usable as a file name")
    # A key may begin with a hyphen, which programs take for an option. Older folders have files without the prefix.
    name = f"mail-{key}.eml"
    if (folder / f"{key}.eml").exists():
        return
    # Not fsynced: the file survives a crash of the process, which is enough for mail that is not really sent.
    for each in (writing, folder):
        each.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = writing / f"{name}.{secrets.token_hex(4)}"
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(mail)
        os.link(temporary, folder / name)
    except FileExistsError:
        pass  # an earlier attempt wrote it
    finally:
        temporary.unlink(missing_ok=True)
