"""The outbox: mails as files under `<home>/outbox/<campaign>/`, for demonstrations, tests and looking first.

A mail is written under a temporary name and then linked to its own, so that a file which is there is whole,
and is there once: the file is the evidence, and nothing is ever uncertain.
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
from sender.providers.mime import Skeleton
from sender.providers.provider import Mailing, Outcome, Recipient, Verdict

FOLDER = "outbox"
# Mails on their way to their names; one that is there for longer was left by a process that was killed.
WRITING = ".writing"
LEFT_OVER = 3600  # seconds


def provider(settings: Settings) -> Outbox:
    """The outbox in the home of `settings`."""
    return Outbox(settings.home / FOLDER)


class Outbox:
    """Writes one `<key>.eml` a person; one that is there already counts as taken and is not written again."""

    name = "outbox"
    batch_size = 1_000
    repeatable = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def check(self, from_address: str, links: Iterable[str] = ()) -> None:
        """Raise ProviderError unless the folder can be written."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            writable = os.access(self._folder, os.W_OK | os.X_OK)
        except OSError as error:
            raise ProviderError(f"The outbox {self._folder} can't be made: {error.strerror}.") from None
        if not writable:
            raise ProviderError(f"The outbox {self._folder} can't be written.")

    def reach(self) -> None:
        """The outbox is where we are."""

    def send(self, mailing: Mailing, recipients: Sequence[Recipient], attempt_key: str) -> Outcome:
        """Write the mails; those that the disk had no room for are waiting."""
        folder, writing = self._folder / str(mailing.campaign_id), self._folder / WRITING
        _sweep(writing)
        try:
            skeleton = Skeleton(mailing)
        except ValueError as error:
            return Outcome(verdict_of("outbox", "preparing"), f"the mail can't be built: {scrub(str(error))}")
        refused: dict[int, str] = {}
        for done, person in enumerate(recipients):
            try:
                _write_once(writing, folder, person.key, skeleton.message(person))
                continue
            except ValueError as error:
                verdict, words = verdict_of("outbox", "building"), scrub(str(error))
            except OSError as error:
                verdict, words = verdict_of("outbox", "writing"), f"The outbox: {error.strerror}"
            if verdict is not Verdict.REFUSED_PERSON:
                left = frozenset(other.delivery_id for other in recipients[done:])
                return Outcome(Verdict.ACCEPTED if done else verdict, words, refused=refused, waiting=left)
            refused[person.delivery_id] = words
        return Outcome(Verdict.ACCEPTED, refused=refused)


def _sweep(writing: Path) -> None:
    """Delete what was left over: a mail holds personal data, and nobody would look for it there."""
    for path in writing.glob("*"):
        with suppress(OSError):  # its writer took it, or another sweep
            if path.stat().st_mtime < time.time() - LEFT_OVER:
                path.unlink()


def _write_once(writing: Path, folder: Path, key: str, mail: bytes) -> None:
    if not re.fullmatch(r"[A-Za-z0-9_-]+", key):
        raise RuntimeError("a delivery key is not fit for a file name")
    # Not synced to disk: the evidence outlives the process, enough for what never leaves the machine.
    for each in (writing, folder):
        each.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = writing / f"{key}.{secrets.token_hex(4)}"
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(mail)
        os.link(temporary, folder / f"{key}.eml")
    except FileExistsError:
        pass  # an earlier attempt wrote it
    finally:
        temporary.unlink(missing_ok=True)
