"""The doctor: what is set up, what is missing, and what to do about it."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from daisychain.clock import shown
from daisychain.errors import ConfigurationError, DaisychainError
from daisychain.installation import Installation
from daisychain.settings import FILE_NAME, Settings, exposed_secrets

if TYPE_CHECKING:
    from sender.providers.sendgrid_setup import Setup


@dataclass(frozen=True)
class Diagnosis:
    """One thing looked at; "missing" is a fault only for what needs it, "not known" what could not be asked."""

    subject: str
    state: Literal["good", "missing", "wrong", "not known"]
    words: str


@dataclass(frozen=True)
class Domain:
    """A sending domain whose DNS is checked; empty names are SendGrid's own, if the key may see them."""

    name: str
    return_path: str = ""
    links: str = ""
    selectors: tuple[str, ...] = ()
    resolver: str = ""


def examine_installation(installation: Installation, domain: Domain | None = None) -> list[Diagnosis]:
    """Look at everything that is set up, and at the DNS of `domain`."""
    setup = _setup(installation)
    found = list(diagnose(installation, setup, domain.name if domain else None))
    return found + (list(_dns(installation, setup, domain)) if domain else [])


def diagnose(installation: Installation, setup: Setup | None, domain: str | None) -> Iterator[Diagnosis]:
    """Look at settings, database, secret, public URL, providers, webhook, events and alerts, in that order.

    SendGrid is asked about the given sending domain, else about every list's domain.
    """
    try:
        settings = installation.settings
    except ConfigurationError as error:
        yield Diagnosis("settings", "wrong", str(error))
        return
    if secrets := exposed_secrets():
        words = f"{', '.join(secrets)} in {FILE_NAME}: every user of this machine can read it; chmod 600 {FILE_NAME}"
        yield Diagnosis("settings", "wrong", words)
    yield _home(settings)
    yield _tried("database", lambda: _database(installation))
    yield _tried("secret key", lambda: _secret(settings))
    yield _tried("public URL", lambda: _public_url(settings))
    yield from _providers(settings)
    if setup:
        for finding in setup.findings([domain] if domain else _domains(installation)):
            yield Diagnosis(finding.subject, finding.state, finding.words)
    if settings.sendgrid_webhook_keys:
        yield _tried("webhook keys", lambda: _webhook_keys(settings))
    else:
        words = 'SENDGRID_WEBHOOK_KEYS is not set: deliveries and bounces will read "not known".'
        yield Diagnosis("webhook keys", "missing", words)
    yield _last_event(installation)
    yield from _alerts(installation)


def _home(settings: Settings) -> Diagnosis:
    home = settings.home
    if home.exists() and home.stat().st_mode & stat.S_IRWXO:
        return Diagnosis("home", "wrong", f"{home}: every user of this machine can look into it; chmod 700 {home}")
    return Diagnosis("home", "good", str(home))


def _setup(installation: Installation) -> Setup | None:
    """Open SendGrid, to ask about its setup; None if it is not set up, or can't be used."""
    with suppress(ConfigurationError):
        if installation.settings.sendgrid_api_key:
            from sender.providers.sendgrid_account import Account
            from sender.providers.sendgrid_setup import Setup

            account = Account(installation.settings)
            account.check_account()
            return Setup(account)
    return None


def _domains(installation: Installation) -> list[str]:
    """Return the domains of all lists' From addresses; none if the database can't be asked."""
    from sqlalchemy import func, select

    from lists.tables import MailingList

    domain = func.lower(func.split_part(MailingList.from_address, "@", 2))
    with suppress(DaisychainError, ConfigurationError), installation.database.engine.connect() as connection:
        return list(connection.scalars(select(domain).where(domain != "").distinct().order_by(domain)))
    return []


def _last_event(installation: Installation) -> Diagnosis:
    """Report the last event of a provider or a reader; silence is a fault only if mail was sent."""
    from sqlalchemy import select

    from sender.tables import Event

    try:
        with installation.database.engine.connect() as connection:
            last = select(Event.kind, Event.source, Event.received_at).order_by(Event.id.desc()).limit(1)
            row = connection.execute(last).one_or_none()
    except (DaisychainError, ConfigurationError):
        return Diagnosis("last event", "missing", "the database can't be asked")
    if row is None:
        return Diagnosis("last event", "missing", "none so far")
    return Diagnosis("last event", "good", f"{row.kind}, from {row.source}, {shown(row.received_at)}")


def _alerts(installation: Installation) -> Iterator[Diagnosis]:
    """Report whether alerts reach anybody, and which are open."""
    from sqlalchemy import select

    from sender.alerts.channels import channels
    from sender.tables import Alert

    if installation.settings.alert_to:
        yield _tried("alerts", lambda: f"sent by {len(channels(installation.settings))} channels")
    else:
        yield Diagnosis("alerts", "missing", "DAISYCHAIN_ALERT_TO is not set: nobody gets alerts")
    with suppress(DaisychainError, ConfigurationError), installation.database.engine.connect() as connection:
        still = select(Alert.subject, Alert.since).where(Alert.over_at.is_(None)).order_by(Alert.id)
        for row in connection.execute(still).all():
            yield Diagnosis("alert", "wrong", f"{row.subject} (since {shown(row.since)})")


def _dns(installation: Installation, setup: Setup | None, domain: Domain) -> Iterator[Diagnosis]:
    """Check the DNS of a domain; names that were not given are SendGrid's own, if the key may see them."""
    from daisychain.operations.dns_records import SENDGRID_SELECTORS, NameServer, Sending, examine

    settings = installation.settings
    sendgrid = settings.provider == "sendgrid" or bool(settings.sendgrid_api_key)
    return_path, links, selectors = domain.return_path, domain.links, domain.selectors
    if setup:
        names = setup.names(domain.name)
        return_path, links = return_path or names.return_path, links or names.links
        selectors = selectors or names.selectors
    sending = Sending(
        domain.name, sendgrid, selectors or (SENDGRID_SELECTORS if sendgrid else ()),
        return_path or ("" if sendgrid else settings.smtp_bounce_address.rpartition("@")[2]), links,
    )  # fmt: skip
    for record in examine(NameServer(domain.resolver), sending):
        wanted = f"\nwanted: {record.wanted}" if record.wanted and record.state != "good" else ""
        yield Diagnosis(f"DNS {record.subject}", record.state, record.found + wanted)


def _tried(subject: str, look: Callable[[], str]) -> Diagnosis:
    try:
        return Diagnosis(subject, "good", look())
    except (DaisychainError, ConfigurationError) as error:
        return Diagnosis(subject, "wrong", str(error))


def _database(installation: Installation) -> str:
    from sqlalchemy import text

    with installation.database.engine.connect() as connection:
        version = connection.scalar(text("SHOW server_version"))
    where = "embedded in the home" if installation.database.embedded else "by DAISYCHAIN_DATABASE_URL"
    return f"PostgreSQL {version}, {where}"


def _secret(settings: Settings) -> str:
    from daisychain.secret import installation_secret

    installation_secret(settings)
    return "from the settings" if settings.secret_key else f"kept in {settings.home}"


def _public_url(settings: Settings) -> str:
    from sender.providers.guards import check_public_url

    if not settings.public_url:
        return "not set: enough for the outbox, refused for members' mail by SendGrid or SMTP"
    check_public_url(settings.public_url)
    return settings.public_url


def _webhook_keys(settings: Settings) -> str:
    from sender.events.sendgrid_webhook import verification_key

    for key in settings.sendgrid_webhook_keys:
        verification_key(key)
    return f"{len(settings.sendgrid_webhook_keys)} set"


def _providers(settings: Settings) -> Iterator[Diagnosis]:
    from sender.providers.registry import PROVIDERS

    if settings.provider not in PROVIDERS:
        yield Diagnosis("default provider", "wrong", f"There is no provider {settings.provider!r}.")
    configured = {"sendgrid": settings.sendgrid_api_key, "smtp": settings.smtp_url, "outbox": "always"}
    for name in PROVIDERS:
        subject = f"provider {name}" + (" (default)" if name == settings.provider else "")
        if not configured.get(name, "yes"):
            yield Diagnosis(subject, "wrong" if name == settings.provider else "missing", "not set up")
            continue
        yield _tried(subject, lambda name=name: _ready(name, settings))  # type: ignore[misc]


def _ready(name: str, settings: Settings) -> str:
    from sender.providers.registry import open_provider

    # Which address mail will come from is each list's own matter: one of a domain that anybody may own will do here.
    provider = open_provider(name, settings)
    provider.check("somebody@daisychain.org")
    provider.reach()
    return "ready"
