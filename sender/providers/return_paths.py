"""Envelope senders: where a mail's bounce goes, with a key in the address that tells whose mail it was.

With SMTP_BOUNCE_ADDRESS set to `bounce@charity.org` the mails leave as `bounce+<key>@charity.org`, which mail servers
deliver to the mailbox `bounce` (subaddressing, RFC 5233); without it, as the From address, and bounces tell nothing.
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

# A local part has 64 characters at most (RFC 5321), of which a plus sign and a key take 27.
_ADDRESS = re.compile(r"([A-Za-z0-9._-]{1,37})@([A-Za-z0-9.-]+)")
_KEYED = re.compile(r"\+([a-z2-7]{26})@", re.IGNORECASE)


class ReturnPaths:
    """The envelope senders of one installation."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def senders(self, from_address: str, recipients: Sequence[Recipient]) -> list[str]:
        """The envelope sender of each one's mail; raises ConfigurationError where the setting is no address."""
        address = self._settings.smtp_bounce_address
        if not address:
            return [from_address] * len(recipients)
        parts = _ADDRESS.fullmatch(address)
        if not parts:
            raise ConfigurationError(
                "SMTP_BOUNCE_ADDRESS",
                "is not an address that a key can be put into.",
                hint="For example bounce@your-charity.org, for mails from bounce+key@your-charity.org.",
            )
        local, domain = parts.groups()
        return [f"{local}+{key}@{domain}" for key in self._keys.returns(each.delivery_id for each in recipients)]

    def delivery(self, text: str) -> int | None:
        """The delivery whose key stands in an address within `text`, None where there is none of ours."""
        ids = (self._keys.read_return(key) for key in _KEYED.findall(text))
        return next((found for found in ids if found is not None), None)

    @cached_property
    def _keys(self) -> Keys:
        return Keys(installation_secret(self._settings))
