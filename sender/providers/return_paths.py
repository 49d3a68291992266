"""Envelope senders (VERP): the address that bounces go to contains a key that identifies the mail.

With SMTP_BOUNCE_ADDRESS=bounce@charity.org mails are sent from `bounce+<key>@charity.org`, which mail servers deliver
to the mailbox `bounce` (subaddressing, RFC 5233). Without it they are sent from the From address, and bounces can't be
matched.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property

from daisychain.errors import ConfigurationError
from daisychain.secret import installation_secret
from daisychain.settings import Settings
from sender.links.keys import Keys
from sender.providers.provider import Recipient

# A local part has at most 64 characters (RFC 5321, 4.5.3.1.1); the plus sign and the key take 27.
_ADDRESS = re.compile(r"([A-Za-z0-9._-]{1,37})@([A-Za-z0-9.-]+)")
_KEYED = re.compile(r"\+([a-z2-7]{26})@", re.IGNORECASE)


class ReturnPaths:
    """Makes and reads the envelope senders of one installation."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def senders(self, from_address: str, recipients: Sequence[Recipient]) -> list[str]:
        """Return each recipient's envelope sender; raises ConfigurationError if the setting is not an address."""
        address = self._settings.smtp_bounce_address
        if not address:
            return [from_address] * len(recipients)
        parts = _ADDRESS.fullmatch(address)
        if not parts:
            raise ConfigurationError(
                "SMTP_BOUNCE_ADDRESS",
                "is not an address that a key can be added to.",
                hint="For example bounce@your-charity.org; mails are then sent from bounce+key@your-charity.org.",
            )
        local, domain = parts.groups()
        return [f"{local}+{key}@{domain}" for key in self._keys.returns(each.delivery_id for each in recipients)]

    def delivery(self, text: str) -> int | None:
        """Find the delivery whose key is in an address in `text`; None if it has none of our keys."""
        ids = (self._keys.read_return(key) for key in _KEYED.findall(text))
        return next((found for found in ids if found is not None), None)

    @cached_property
    def _keys(self) -> Keys:
        return Keys(installation_secret(self._settings))
