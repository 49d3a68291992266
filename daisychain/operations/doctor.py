"""The doctor: what is set up, what is missing, and what to do about it."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Executable, Row, func, select, text

from daisychain.clock import shown
from daisychain.database import database_now
from daisychain.errors import ConfigurationError, DaisychainError, DatabaseError
from daisychain.installation import Installation
from daisychain.operations.dns_records import SENDGRID_SELECTORS, NameServer, Sending, examine
from daisychain.operations.server_durability import check_durability
from daisychain.secret import installation_secret, secret_file
from daisychain.settings import FILE_NAME, Settings, both_names, exposed_files, exposed_secrets, open_to_others
from daisychain.system_user import BROWSER_USER
from lists.consent.ledger_state import differing_members
from lists.privacy.complaints import open_complaints
from lists.tables import MailingList
from newsletters.browser.browser import BrowserError, chromium, open_browser
from sender.alerts.channels import channels
from sender.alerts.conditions import FAILURES
from sender.delivery.readiness import check_key
from sender.events.flagged import FLAGGED, describe_flagged
from sender.events.sendgrid_webhook import verification_key
from sender.providers.guards import check_public_url
from sender.providers.open_provider import PROVIDERS, open_provider
from sender.providers.sendgrid_account import Account
from sender.providers.sendgrid_setup import AuthenticatedDomains, Setup, SetupFinding
from sender.system_mail.mail_queue import provider_is_set, system_sender, unsent_mails
from sender.tables import Alert, Chore, Event

# Seconds; more than a network that is slow for a moment.
CLOCKS_APART = 5
RETENTION_WITHIN = timedelta(days=3)


def examine_installation(
    installation: Installation, sending: Sending | None = None, resolver: str = ""
) -> Iterator[SetupFinding]:
    """Look at everything that is set up, and at the DNS of the domain in `sending`.

    "missing" is a fault only for what needs it. Names that `sending` leaves out are SendGrid's own, if the key may see
    them; SendGrid is asked about this domain, else about every list's domain.
    """
    setup = _setup(installation)
    try:
        settings = installation.settings
    except ConfigurationError as error:
        yield SetupFinding("settings", "wrong", str(error))
    else:
        yield from _local(installation, settings)
        if setup:
            yield from setup.findings([sending.domain] if sending else sending_domains(installation))
        yield from _reports(installation, settings)
    if sending:
        yield from _dns(installation.settings, setup, sending, resolver)


def examine_dns(installation: Installation, sending: Sending) -> Iterator[SetupFinding]:
    """Look at the DNS of one more domain."""
    yield from _dns(installation.settings, _setup(installation), sending, "")


def _local(installation: Installation, settings: Settings) -> Iterator[SetupFinding]:
    """Look at settings, home, database, secret, public URL and providers."""
    if secrets := exposed_secrets():
        words = f"{', '.join(secrets)} in {FILE_NAME}: every user of this machine can read it; chmod 600 {FILE_NAME}"
        yield SetupFinding("settings", "wrong", words)
    key = secret_file(settings)
    for path in [*exposed_files(), *([key] if open_to_others(key) else [])]:
        words = f"{path}: other users of this machine can read or change it; chmod 600 {path}"
        yield SetupFinding("secret file", "wrong", words)
    if settings.test_mode:
        words = "DAISYCHAIN_TEST_MODE is on: guards are off for providers on this machine; take it out to mail people"
        yield SetupFinding("test mode", "missing", words)
    if settings.home.exists() and settings.home.stat().st_mode & stat.S_IRWXO:
        words = f"{settings.home}: every user of this machine can look into it; chmod 700 {settings.home}"
        yield SetupFinding("home", "wrong", words)
    else:
        yield SetupFinding("home", "good", str(settings.home))
    yield _tried("database", partial(_database, installation))
    yield _tried("durability", lambda: check_durability(installation.database))
    yield _tried("clock", partial(_clock, installation))
    yield _tried("secret key", partial(_secret, installation, settings))
    yield _tried("public URL", partial(_public_url, settings))
    yield from _providers(settings)
    yield _browser()


def _reports(installation: Installation, settings: Settings) -> Iterator[SetupFinding]:
    """Look at what providers report to us, and at what we report to staff."""
    if settings.sendgrid_webhook_keys:
        yield _tried("webhook keys", partial(_webhook_keys, settings))
    else:
        words = f'{both_names("sendgrid_webhook_keys")} is not set: deliveries and bounces will read "not known".'
        yield SetupFinding("webhook keys", "missing", words)
    yield _last_event(installation)
    if settings.alert_to:
        yield _tried("alerts", lambda: f"sent by {len(channels(installation.database))} channels")
    else:
        yield SetupFinding("alerts", "missing", f"{both_names('alert_to')} is not set: nobody gets alerts")
    yield from _system_mail(installation, settings)
    for row in _rows(installation, FLAGGED) or ():
        # Out-of-office replies are flagged too: no reason for the doctor to fail.
        yield SetupFinding("flagged", "not known", describe_flagged({row.kind: row.things}))
    yield _tried("consent ledger", partial(_ledger, installation))
    yield from _privacy(installation, settings)
    failing = select(Chore.name, Chore.failures, Chore.result).where(Chore.failures >= FAILURES).order_by(Chore.name)
    for row in _rows(installation, failing) or ():
        yield SetupFinding(f"chore {row.name}", "wrong", f"failed {row.failures} times in a row: {row.result}")
    still_open = select(Alert.subject, Alert.since).where(Alert.over_at.is_(None)).order_by(Alert.id)
    for row in _rows(installation, still_open) or ():
        yield SetupFinding("alert", "wrong", f"{row.subject} (since {shown(row.since)})")


def _ledger(installation: Installation) -> str:
    """Compare each list with what the consent ledger adds up to; some seconds for a million people."""
    with installation.database.engine.connect() as connection:
        lists = connection.execute(select(MailingList.id, MailingList.name).order_by(MailingList.name)).all()
        found = {row.name: len(differing_members(connection, row.id)) for row in lists}
    if wrong := [f"{people:,} on {name}" for name, people in found.items() if people]:
        raise DaisychainError(
            f"Memberships that are not what the ledger adds up to: {', '.join(wrong)}.",
            hint="Something else wrote to the database; `daisychain list audit NAME` shows these people.",
        )
    return f"says the same as {'the list' if len(lists) == 1 else f'all {len(lists)} lists'}"


def _privacy(installation: Installation, settings: Settings) -> Iterator[SetupFinding]:
    """Look at retention, and at the duty to take complaints about data protection and to acknowledge them."""
    last = select(Chore.ended_at, Chore.result, (Chore.ended_at < func.now() - RETENTION_WITHIN).label("late"))
    found = _rows(installation, last.where(Chore.name == "retention", Chore.ended_at.is_not(None)))
    if not found:
        yield SetupFinding("retention", "missing", "not applied yet; workers do it once a day")
    for row in found or ():
        words = f"last applied {shown(row.ended_at)}: {row.result or 'nothing to do'}"
        yield SetupFinding("retention", "wrong" if row.late else "good", words)
    contact = settings.privacy_contact
    missing = f"{both_names('privacy_contact')} is not set: public pages say nowhere who answers for people's data"
    yield SetupFinding("data protection contact", "good" if contact else "missing", contact or missing)
    with suppress(DaisychainError, ConfigurationError), installation.database.engine.connect() as connection:
        waiting = open_complaints(connection)
        if waiting.first_due:
            words = f"{waiting.waiting:,} to acknowledge, the first until {shown(waiting.first_due)}"
            yield SetupFinding("complaints", "wrong" if waiting.late else "not known", words)


def _system_mail(installation: Installation, settings: Settings) -> Iterator[SetupFinding]:
    """Look at the mails that open accounts: whether they leave, from where, and which did not."""
    subject = "system mail"
    if not provider_is_set(settings):
        yield SetupFinding(subject, "missing", "no provider is set: the desk shows the links that it would mail")
    try:
        with installation.database.engine.connect() as connection:
            name, address = system_sender(connection, settings)
            unsent = unsent_mails(connection)
    except ConfigurationError as error:
        yield SetupFinding(subject, "missing", str(error))
    except DaisychainError:
        return  # the database's own finding has the reason
    else:
        if provider_is_set(settings):
            yield SetupFinding(subject, "good", f"from {name} <{address}>")
        for each in unsent:
            words = f"{each.mails} not sent since {shown(each.since)}: {each.problem}"
            yield SetupFinding(f"{subject}: {each.kind}", "wrong", words)


def _setup(installation: Installation) -> Setup | None:
    """Open SendGrid, to ask about its setup; None if it is not set up, or can't be used."""
    with suppress(ConfigurationError):
        if installation.settings.sendgrid_api_key:
            account = Account(installation.settings)
            account.check_account()
            return Setup(account)
    return None


def _rows(installation: Installation, statement: Executable) -> Sequence[Row[Any]] | None:
    """Return the rows of a query; None if the database can't be asked."""
    with suppress(DaisychainError, ConfigurationError), installation.database.engine.connect() as connection:
        return connection.execute(statement).all()
    return None


def sending_domains(installation: Installation) -> list[str]:
    """Return the domains of all lists' From addresses; none if the database can't be asked."""
    domain = func.lower(func.split_part(MailingList.from_address, "@", 2))
    rows = _rows(installation, select(domain).where(domain != "").distinct().order_by(domain))
    return [row[0] for row in rows or ()]


def _last_event(installation: Installation) -> SetupFinding:
    """Report the last event of a provider or a reader; silence is a fault only if mail was sent."""
    last = select(Event.kind, Event.source, Event.received_at).order_by(Event.id.desc()).limit(1)
    rows = _rows(installation, last)
    if not rows:
        return SetupFinding("last event", "missing", "the database can't be asked" if rows is None else "none so far")
    [row] = rows
    return SetupFinding("last event", "good", f"{row.kind}, from {row.source}, {shown(row.received_at)}")


def _dns(settings: Settings, setup: Setup | None, sending: Sending, resolver: str) -> Iterator[SetupFinding]:
    """Check the DNS of a domain, with the names that were not given."""
    sendgrid = settings.provider == "sendgrid" or bool(settings.sendgrid_api_key)
    known = setup.names(sending.domain) if setup else AuthenticatedDomains()
    bounces = "" if sendgrid else settings.smtp_bounce_address.rpartition("@")[2]
    sending = Sending(
        sending.domain,
        sendgrid,
        sending.selectors or known.selectors or (SENDGRID_SELECTORS if sendgrid else ()),
        sending.return_path or known.return_path or bounces,
        sending.links or known.links,
    )
    for finding in examine(NameServer(resolver), sending):
        yield replace(finding, subject=f"DNS {finding.subject}")


def _tried(subject: str, look: Callable[[], str]) -> SetupFinding:
    try:
        return SetupFinding(subject, "good", look())
    except (DaisychainError, ConfigurationError) as error:
        return SetupFinding(subject, "wrong", str(error))


def _database(installation: Installation) -> str:
    with installation.database.engine.connect() as connection:
        version = connection.scalar(text("SHOW server_version"))
    where = "embedded in the home" if installation.database.embedded else "by DAISYCHAIN_DATABASE_URL"
    return f"PostgreSQL {version}, {where}"


def _clock(installation: Installation) -> str:
    with installation.database.engine.connect() as connection:
        before, theirs = datetime.now(UTC), database_now(connection)
    ahead = (before + (datetime.now(UTC) - before) / 2 - theirs).total_seconds()
    if abs(ahead) > CLOCKS_APART:
        raise DaisychainError(
            f"This machine's clock is {abs(ahead):,.0f} s {'ahead of' if ahead > 0 else 'behind'} the database's.",
            hint="Let both machines set their clocks by the network (NTP).",
        )
    return f"{abs(ahead):.1f} s from the database's"


def _secret(installation: Installation, settings: Settings) -> str:
    installation_secret(settings)
    with suppress(DatabaseError), installation.database.engine.connect() as connection:
        check_key(connection, settings)
    return "from the settings" if settings.secret_key else f"kept in {settings.home}"


def _public_url(settings: Settings) -> str:
    if not settings.public_url:
        return "not set: SendGrid and SMTP refuse members' mail without it, and the desk opens on this machine only"
    check_public_url(settings.public_url)
    return settings.public_url


def _browser() -> SetupFinding:
    """Start Chromium, to see whether it has its sandbox."""
    try:
        if not (program := chromium()):
            return SetupFinding("browser", "missing", "no Chromium: no screenshots, and no deep checks")
        with open_browser() as browser:
            if browser.sandboxed:
                return SetupFinding("browser", "good", f"{program}, in its sandbox")
        words = f"{program} runs as {BROWSER_USER}, which owns nothing, but without its sandbox"
        return SetupFinding("browser", "missing", f"{words}: allow user namespaces, or don't run as root")
    except BrowserError as error:
        return SetupFinding("browser", "missing", str(error))
    except ConfigurationError as error:
        return SetupFinding("browser", "wrong", str(error))


def _webhook_keys(settings: Settings) -> str:
    for key in settings.sendgrid_webhook_keys:
        verification_key(key)
    return f"{len(settings.sendgrid_webhook_keys)} set"


def _providers(settings: Settings) -> Iterator[SetupFinding]:
    if settings.provider not in PROVIDERS:
        yield SetupFinding("default provider", "wrong", f"There is no provider {settings.provider!r}.")
    configured = {"sendgrid": settings.sendgrid_api_key, "smtp": settings.smtp_url, "outbox": "always"}
    for name in PROVIDERS:
        subject = f"provider {name}" + (" (default)" if name == settings.provider else "")
        if configured.get(name, "yes"):
            yield _tried(subject, partial(_ready, name, settings))
        else:
            yield SetupFinding(subject, "wrong" if name == settings.provider else "missing", "not set up")


def _ready(name: str, settings: Settings) -> str:
    # Which address mail will come from is each list's own matter: one of a domain that anybody may own will do here.
    provider = open_provider(name, settings)
    provider.check("somebody@daisychain.org")
    provider.reach()
    return "ready"
