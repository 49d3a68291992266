"""The data of a person in this room, table by table, and what an erasure makes of it."""

# ruff: noqa: S608 - its SQL is built from our constants only

from __future__ import annotations

from lists.privacy.held_data import MY_ADDRESS, Held

_REPLIES_TO_ME = "lower(trim(reply)) = ANY (CAST(:keys AS text[]))"

PARTNERS_HOLD = (
    Held(
        "organisation_contacts", "Contact of organisations", "name email address_key receives suggested_at",
        MY_ADDRESS,
        shown="SELECT o.name AS organisation, c.name, c.email, c.receives, c.suggested_at FROM organisation_contacts c"
        f" JOIN organisations o ON o.id = c.organisation_id WHERE {MY_ADDRESS}",
    ),
    Held("organisation_profiles", "Address for replies to an organisation", "reply", _REPLIES_TO_ME, "reply = ''"),
    Held("pack_partners", "Address for replies in packs", "reply", _REPLIES_TO_ME, "reply = ''"),
)  # fmt: skip
