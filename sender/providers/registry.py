"""The providers: the one list of them, and how one is opened by its name."""

from __future__ import annotations

from importlib import import_module

from daisychain.errors import InputError
from daisychain.settings import Settings
from sender.providers.provider import Provider

# Each is a module of this folder with a function `provider(settings)`; it is imported when it is opened.
PROVIDERS = ("outbox", "sendgrid", "smtp")


def open_provider(name: str, settings: Settings) -> Provider:
    """Open the provider `name`, not yet checked; raises InputError if there is none."""
    if name not in PROVIDERS:
        raise InputError(f"There is no provider {name!r}.", hint=f"There are: {', '.join(PROVIDERS)}.")
    made: Provider = import_module(f"sender.providers.{name}").provider(settings)
    return made
