"""Asking to be on a list: kept with the wording that was shown and a token, until it is confirmed or deleted."""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta
from typing import Literal

from sqlalchemy import Connection, delete, func, insert, select

from daisychain.database import settings_of
from daisychain.secret import derive, installation_secret
from daisychain.settings import Settings
from daisychain.web.random_tokens import new_token, token_hash
from lists.addresses import Address
from lists.privacy.coming_back import may_come_back
from lists.sign_up.sign_up_form import AgreedWording, ListForm
from lists.sign_up.tables import SignUp
from lists.sign_up.typed_sign_up import TypedSignUp
from lists.suppression import stronger_than_a_wish
from lists.tables import Member, Membership, Suppression

Mailed = Literal["confirm", "already", "nothing"]


def mail_for(connection: Connection, form: ListForm, address: Address) -> Mailed:
    """Return which mail somebody gets who asked: to confirm, that they are on the list already, or none at all.

    None goes to an address that bounced or complained: strangers could harm our reputation by typing it.
    """
    reason = connection.scalar(select(Suppression.reason).where(Suppression.address_key == address.key))
    if reason is not None:
        return "nothing" if stronger_than_a_wish(reason) else "confirm"
    if not may_come_back(connection, address.key):
        return "nothing"
    place = (
        select(Membership.state, Membership.basis)
        .join(Member, Member.id == Membership.member_id)
        .where(Member.address_key == address.key, Membership.list_id == form.list_id)
    )
    row = connection.execute(place).one_or_none()
    # A consent that is unknown is filled by this one; an organisation may join whose contact is on the list.
    on_it = row is not None and row.state == "subscribed" and row.basis != "unknown"
    return "already" if on_it and not form.for_organisations else "confirm"


def keep_sign_up(
    connection: Connection, settings: Settings, form: ListForm, typed: TypedSignUp, wording: AgreedWording, *,
    language: str, network: str,
) -> str:  # fmt: skip
    """Keep a sign-up until it is confirmed, and return its token, which is for one mail only."""
    assert typed.address is not None
    token = new_token()
    key = derive(installation_secret(settings), "networks of sign-ups")
    connection.execute(insert(SignUp).values(
        list_id=form.list_id, wording_id=wording.id, token_hash=token_hash(token), address=typed.address.written,
        address_key=typed.address.key, first_name=typed.first_name, last_name=typed.last_name,
        organisation=typed.organisation, language=language, partner=typed.partner,
        network_hash=hmac.digest(key, network.encode(), hashlib.sha256),
    ))  # fmt: skip
    return token


def forget_unconfirmed(connection: Connection) -> int:
    """Delete the sign-ups that nobody confirmed within a month, or another time that is set; return how many."""
    kept = timedelta(days=settings_of(connection).kept_for("sign_ups"))
    old = delete(SignUp).where(SignUp.confirmed_at.is_(None), SignUp.asked_at < func.now() - kept)
    return connection.execute(old).rowcount
