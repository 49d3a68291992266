"""Confirming a sign-up: by the button of the page that its mail leads to, once, within seven days."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, case, func, select, update

from daisychain.web.random_tokens import token_hash
from lists.addresses import Address
from lists.consent.consent_ledger import record_consent
from lists.members import add_member
from lists.privacy.coming_back import welcome_back
from lists.resubscribe import lift_for_one_list, resubscribe
from lists.sign_up.sign_up_form import LASTS, AgreedWording, ListForm, sign_up_form, wording_that_was_shown
from lists.sign_up.tables import SignUp
from lists.tables import MailingList, Member, Membership

HOW = "sign-up form"

Standing = Literal["waiting", "used", "ended"]
Outcome = Literal["added", "returned", "already", "refused"]


@dataclass(frozen=True)
class AskedSignUp:
    """A sign-up as its link shows it: the form it was typed into, the words agreed to, and what was typed."""

    id: int
    form: ListForm
    standing: Standing
    address: Address
    names: tuple[str, str]
    organisation: str
    language: str
    partner: str
    wording: AgreedWording
    outcome: Outcome | Literal[""] = ""
    how: str = HOW

    @property
    def evidence(self) -> str:
        """Return what a consent rests on, as lists and histories show it."""
        wording = f"wording {self.wording.version} ({self.wording.language})"
        return f"sign-up {self.id}: confirmed by email, {wording}" if self.how == HOW else f"{self.how}, {wording}"

    @property
    def agreed(self) -> dict[str, Any]:
        """Return what the consent ledger keeps of this sign-up: the way, the record and the exact wording."""
        shown = {"wording": self.wording.text, "version": self.wording.version, "language": self.wording.language}
        return {"source": self.how, "evidence": self.evidence, **shown}


def find_sign_up(connection: Connection, token: str, *, lock: bool = False) -> AskedSignUp | None:
    """Return the sign-up of a token; None if there is none, or it was deleted. Changes nothing."""
    over = SignUp.asked_at < func.now() - LASTS
    standing = case((SignUp.used_at.is_not(None), "used"), (over, "ended"), else_="waiting")
    found = (
        select(SignUp.__table__, MailingList.name, standing.label("standing"))
        .join(MailingList, MailingList.id == SignUp.list_id)
        .where(SignUp.token_hash == token_hash(token))
    )
    if lock:
        found = found.with_for_update(of=SignUp)
    row = connection.execute(found).mappings().first()
    if row is None:
        return None
    form = sign_up_form(connection, row["name"])
    return AskedSignUp(
        row["id"], form, row["standing"], Address(row["address"], row["address_key"]),
        (row["first_name"], row["last_name"]), row["organisation"], row["language"], row["partner"],
        wording_that_was_shown(connection, form, row["wording_id"], row["language"]), row["outcome"],
    )  # fmt: skip


def confirm_sign_up(connection: Connection, token: str) -> tuple[AskedSignUp | None, Outcome | None]:
    """Put a person on the list whose link works; returns the sign-up as it was before, and what came of it.

    Of two at once, the second waits for the first and finds the link used. The other links of the same person for this
    list end: nobody comes back by an old one after they have unsubscribed.
    """
    asked = find_sign_up(connection, token, lock=True)
    if asked is None or asked.standing != "waiting":
        return asked, None
    outcome = subscribe_by_wish(connection, asked)
    these = (SignUp.list_id == asked.form.list_id, SignUp.address_key == asked.address.key, SignUp.used_at.is_(None))
    connection.execute(update(SignUp).where(*these).values(used_at=func.now()))
    mine = {"outcome": outcome, "confirmed_at": None if outcome == "refused" else func.now()}
    connection.execute(update(SignUp).where(SignUp.id == asked.id).values(mine))
    return asked, outcome


def subscribe_by_wish(connection: Connection, asked: AskedSignUp) -> Outcome:
    """Add a person or bring them back, by their own wish; a complaint or a bounce needs a person to lift it."""
    list_id, address, evidence = asked.form.list_id, asked.address, asked.evidence
    wish = {"because": evidence, "how": asked.how}
    if not welcome_back(connection, address.key, **wish) or not lift_for_one_list(
        connection, list_id, address.key, **wish
    ):
        return "refused"
    consent = {"source": evidence, "collected_by": asked.form.organisation}
    this = (Membership.list_id == list_id, Membership.member_id == Member.id, Member.address_key == address.key)
    columns = (Membership.member_id, Membership.state, Membership.basis)
    row = connection.execute(select(*columns).where(*this).with_for_update(of=Membership)).one_or_none()
    connection.execute(update(Membership).where(*this).values(paused_until=None))  # somebody who signs up wants mail
    returned = row is not None and row.state == "unsubscribed"
    if returned:
        again = {"because": "signed up again", "evidence": evidence, "collected_by": asked.form.organisation}
        resubscribe(connection, list_id, address.key, how=asked.how, agreed=asked.agreed, **again)
    elif row is not None and row.basis == "unknown":
        filled = {"basis": "consent", "consented_at": func.now(), **consent}
        connection.execute(update(Membership).where(*this).values(filled))
        terms = {"basis": "consent", **consent, **asked.agreed}
        record_consent(connection, row.member_id, list_id, "given", **terms)
    first, last = asked.names
    # The page's language is a wish of somebody new; others may have said another one.
    known = connection.scalar(select(Member.language).where(Member.address_key == address.key))
    fields = {"first_name": first, "last_name": last, "language": "" if known else asked.language}
    given = {**consent, **fields}
    added = add_member(connection, list_id, address.written, basis="consent", agreed=asked.agreed, **given)
    return "added" if added else "returned" if returned else "already"
