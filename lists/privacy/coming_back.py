"""People who were forgotten come back by one way only: they sign up and confirm that themselves."""

from __future__ import annotations

from sqlalchemy import Connection, select, text

from daisychain.database import settings_of
from daisychain.errors import StateError
from lists.addresses import Address
from lists.privacy.address_hash import forgotten_among, hash_keys, hash_of, suppressed_as
from lists.suppression import lift_suppression, stronger_than_a_wish
from lists.tables import Suppression

_LIFT = text(f"""
    UPDATE erasures SET lifted_at = now() WHERE lifted_at IS NULL AND address_hash = {hash_of("CAST(:key AS text)")}
""")  # noqa: S608 - of constants


def require_not_forgotten(connection: Connection, address: Address) -> None:
    """Raise StateError if nobody but the person themselves may bring this address back."""
    if forgotten_among(connection, [address.key]):
        raise StateError(
            f"{address.written} asked to be forgotten, so nothing about them may be kept.",
            hint="Only they can come back, by signing up themselves and confirming that by email.",
        )


def may_come_back(connection: Connection, key: str) -> bool:
    """Whether an address may be mailed to confirm a sign-up: not if it had bounced or complained."""
    if not forgotten_among(connection, [key]):
        return True
    kept = select(Suppression.reason).where(Suppression.address_key == suppressed_as(connection, key))
    return not stronger_than_a_wish(connection.scalar(kept) or "")


def welcome_back(connection: Connection, key: str, *, because: str, how: str) -> bool:
    """Let a person who signed up again be one like any other; False after a complaint or a bounce."""
    if not may_come_back(connection, key):
        return False
    if forgotten_among(connection, [key]):
        lift_suppression(connection, suppressed_as(connection, key), how=how, because=because)
        connection.execute(_LIFT, {"key": key, **hash_keys(settings_of(connection))})
    return True
