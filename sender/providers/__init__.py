"""The ways out: each module of this folder is a provider, found by its name.

A module `NAME.py` has a function `provider(settings)` that gives an object with the attributes and methods of
`sender.delivery.Provider`. Nothing else needs to know of it.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import TYPE_CHECKING

from daisychain.errors import InputError
from daisychain.settings import Settings

if TYPE_CHECKING:
    from sender.delivery import Provider


def provider_names() -> tuple[str, ...]:
    """The names of all providers, sorted."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def open_provider(name: str, settings: Settings) -> Provider:
    """The provider `name`, not yet checked; raises InputError where there is none."""
    if name not in provider_names():
        raise InputError(f"There is no provider {name!r}.", hint=f"There are: {', '.join(provider_names())}.")
    made: Provider = import_module(f"{__name__}.{name}").provider(settings)
    return made
