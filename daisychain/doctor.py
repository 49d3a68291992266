"""`daisychain doctor`: what is set up, what is missing, and what to do about it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import click

from daisychain.console import Desk, emit, format_option, pass_desk, show_table
from daisychain.errors import ConfigurationError, DaisychainError
from daisychain.settings import Settings


@dataclass(frozen=True)
class Diagnosis:
    """One thing looked at; "missing" is a fault only for what needs it."""

    subject: str
    state: Literal["good", "missing", "wrong"]
    words: str


@click.command()
@format_option
@pass_desk
def doctor(desk: Desk, format_: str) -> None:
    """Say what is set up, what is missing, and what to do about it; exit code 1 where something is wrong."""
    found = list(diagnose(desk))
    rows = [[item.subject, item.state, item.words] for item in found]
    emit([vars(item) for item in found], format_, lambda: show_table(("", "", ""), rows))
    sys.exit(1 if any(item.state == "wrong" for item in found) else 0)


def diagnose(desk: Desk) -> Iterator[Diagnosis]:
    """Look at settings, database, secret, public URL and providers, in that order."""
    try:
        settings = desk.settings
    except ConfigurationError as error:
        yield Diagnosis("settings", "wrong", str(error))
        return
    yield Diagnosis("home", "good", str(settings.home))
    yield _tried("database", lambda: _database(desk))
    yield _tried("secret key", lambda: _secret(settings))
    yield _tried("public URL", lambda: _public_url(settings))
    yield from _providers(settings)
    keys = len(settings.sendgrid_webhook_keys)
    yield Diagnosis(
        "webhook keys", "good" if keys else "missing",
        f"{keys} set" if keys else "SENDGRID_WEBHOOK_KEYS is not set: deliveries and bounces will read \"not known\".",
    )  # fmt: skip


def _tried(subject: str, look: Callable[[], str]) -> Diagnosis:
    try:
        return Diagnosis(subject, "good", look())
    except (DaisychainError, ConfigurationError) as error:
        return Diagnosis(subject, "wrong", str(error))


def _database(desk: Desk) -> str:
    from sqlalchemy import text

    with desk.database.engine.connect() as connection:
        version = connection.scalar(text("SHOW server_version"))
    return f"PostgreSQL {version}, {'embedded in the home' if desk.database.embedded else 'by DAISYCHAIN_DATABASE_URL'}"


def _secret(settings: Settings) -> str:
    from daisychain.secret import installation_secret

    installation_secret(settings)
    return "from the settings" if settings.secret_key else f"kept in {settings.home}"


def _public_url(settings: Settings) -> str:
    from sender.guards import check_public_url

    if not settings.public_url:
        return "not set: enough for the outbox, refused for members' mail by SendGrid or SMTP"
    check_public_url(settings.public_url)
    return settings.public_url


def _providers(settings: Settings) -> Iterator[Diagnosis]:
    from sender.providers import provider_names

    configured = {"sendgrid": settings.sendgrid_api_key, "smtp": settings.smtp_url, "outbox": "always"}
    for name in provider_names():
        subject = f"provider {name}" + (" (default)" if name == settings.provider else "")
        if not configured.get(name, "yes"):
            yield Diagnosis(subject, "wrong" if name == settings.provider else "missing", "not set up")
            continue
        yield _tried(subject, lambda name=name: _ready(name, settings))  # type: ignore[misc]


def _ready(name: str, settings: Settings) -> str:
    from sender.providers import open_provider

    # Which address mail will come from is each list's own matter: one of a domain that anybody may own will do here.
    provider = open_provider(name, settings)
    provider.check("somebody@daisychain.org")
    provider.reach()
    return "ready"
