"""Organisations that ask to join: confirmed through their contact's mailbox, then accepted or declined by staff.

Anybody may type any name. So an application gives nobody a code, a private link or a place among an organisation's
contacts, before a colleague has looked at it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select, update

from daisychain.errors import StateError
from daisychain.settings import Settings
from lists.organisations import Organisation, organisations_where
from lists.sign_up.confirming import AskedSignUp, Outcome
from lists.sign_up.tables import SignUp
from newsletters.packs.partner_codes import name_key
from partners.contacts import add_contact
from partners.partner_events import record_partner_event
from partners.profiles import add_organisation
from partners.registry import organisation_by_code, organisation_by_id, organisation_named
from sender.system_mail.sign_up_mails import confirm_by_mail

_WAITING = (SignUp.organisation != "", SignUp.confirmed_at.is_not(None), SignUp.decided_at.is_(None))


@dataclass(frozen=True)
class Application:
    """An organisation that wants to join, its contact, and the organisation of that name that there is already."""

    id: int
    name: str
    contact: str
    email: str
    at: datetime
    known: Organisation | None


def confirm_and_credit(
    connection: Connection, settings: Settings, token: str
) -> tuple[AskedSignUp | None, Outcome | None]:
    """Confirm a sign-up, and count it for the partner whose page it came from."""
    asked, outcome = confirm_by_mail(connection, settings, token)
    partner = organisation_by_code(connection, asked.partner) if asked and asked.partner else None
    if asked and partner and outcome in ("added", "returned"):
        toolkit = asked.form.toolkits[0] if len(asked.form.toolkits) == 1 else ""
        record_partner_event(
            connection, "signed_up", toolkit=toolkit, language=asked.language, organisation_id=partner.id
        )
    return asked, outcome


def count_applications(connection: Connection) -> int:
    """Count the applications that wait for staff."""
    return connection.scalar(select(func.count()).select_from(SignUp).where(*_WAITING)) or 0


def waiting_applications(connection: Connection) -> list[Application]:
    """Return the applications that wait for staff, the oldest first."""
    rows = connection.execute(select(SignUp.__table__).where(*_WAITING).order_by(SignUp.confirmed_at)).all()
    known = {name_key(each.name): each for each in organisations_where(connection)} if rows else {}
    return [
        Application(
            row.id, row.organisation, f"{row.first_name} {row.last_name}".strip(), row.address, row.confirmed_at,
            known.get(name_key(row.organisation)),
        )
        for row in rows
    ]  # fmt: skip


def accept_application(connection: Connection, application_id: int, who: str) -> Organisation:
    """Make an organisation of an application, or add its contact to the one of that name; raises StateError."""
    row = _decide(connection, application_id, who)
    organisation = organisation_named(connection, row.organisation)
    if organisation is None:
        organisation = add_organisation(connection, {"name": row.organisation}, who).organisation
    add_contact(connection, organisation.id, row.address, f"{row.first_name} {row.last_name}".strip())
    decided = update(SignUp).where(SignUp.id == application_id)
    connection.execute(decided.values(organisation_id=organisation.id))
    return organisation_by_id(connection, organisation.id) or organisation


def decline_application(connection: Connection, application_id: int, who: str) -> str:
    """Decline an application, and return its name; nobody is mailed. Raises StateError."""
    return str(_decide(connection, application_id, who).organisation)


def _decide(connection: Connection, application_id: int, who: str) -> SignUp:
    decided = update(SignUp).where(SignUp.id == application_id, *_WAITING)
    row = connection.execute(
        decided.values(decided_at=func.now(), decided_by=who).returning(SignUp.__table__)
    ).one_or_none()
    if row is None:
        raise StateError("Somebody has decided this already.", hint="Open the page of applications again.")
    return row  # type: ignore[return-value]
