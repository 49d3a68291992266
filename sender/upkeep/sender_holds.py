"""The data of a person in this room, table by table and in the outbox, and what an erasure makes of it."""

# ruff: noqa: S608 - its SQL is built from our constants only

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, text

from daisychain.secret import installation_secret
from daisychain.settings import Settings
from lists.privacy.held_data import MY_ADDRESS, STAYS, DataSubject, Held
from sender.links.keys import KeyKind, Keys
from sender.mailbox_providers import PROVIDER_OF
from sender.providers.outbox import FOLDER

# The deliveries of the person, found once: they have no index but their key.
_FIND = """
    CREATE TEMPORARY TABLE theirs ON COMMIT DROP AS
    SELECT id, campaign_id FROM deliveries
    WHERE member_id = CAST(:member AS bigint) OR lower(address) = ANY (CAST(:keys AS text[]))
"""
_MINE = "IN (SELECT id FROM theirs)"
_BY_HASH = """detail ? 'address_hash' AND detail ->> 'address_hash' IN (
    SELECT encode(sha256(convert_to(key, 'UTF8')), 'hex') FROM unnest(CAST(:keys AS text[])) AS key)"""
# What is left of an address in the ledger: a large mailbox provider's domain, as its figures are recounted by that.
NO_ADDRESS = """CASE WHEN lower(split_part(address, '@', -1)) = ANY (CAST(:public AS text[]))
    THEN '@' || lower(split_part(address, '@', -1)) ELSE '' END"""
PUBLIC = {"public": list(PROVIDER_OF)}

SENDER_HOLD = (
    Held(
        "events", "Events of mails: delivered, read, clicked, bounced", "at kind url user_agent network detail",
        f"delivery_id {_MINE} OR ({_BY_HASH})",
        # Without its body, a replay leaves the event as it is.
        "user_agent = '', network = '', url = '', body_id = NULL,"
        " detail = jsonb_strip_nulls(jsonb_build_object('erased', true, 'double', detail -> 'double'))",
        "kind, time and class, without anything about the person: figures",
        shown="SELECT c.name AS campaign, e.at, e.kind, e.open_class, e.url, e.user_agent, e.network, e.detail"
        f" FROM events e LEFT JOIN campaigns c ON c.id = e.campaign_id WHERE e.delivery_id {_MINE} ORDER BY e.at",
    ),
    Held(
        "delivery_rollups", "Reading, summed for each mail",
        "first_human_open_at human_opens first_click_at clicks unsubscribed_at complained_at", f"delivery_id {_MINE}",
        STAYS, "sums of a mail to nobody: figures",
    ),
    Held("retried_deliveries", "Mails that were retried, and why", "reason", f"delivery_id {_MINE}", STAYS, "as above"),
    Held(
        "deliveries", "Mails, with what was sent", "member_id address inputs dimensions state reason", f"id {_MINE}",
        f"address = {NO_ADDRESS}, inputs = '{{}}', dimensions = NULL, member_id = NULL",
        "a row that says that somebody was mailed, and how that ended: the ledger",
        shown="SELECT c.name AS campaign, c.frozen_at AS written_down, d.address, d.state, d.reason,"
        ' d.inputs AS "values", d.dimensions FROM deliveries d JOIN campaigns c ON c.id = d.campaign_id'
        f" WHERE d.id {_MINE} ORDER BY d.id",
    ),
    Held("contact_unsubscribes", "Unsubscribed as a contact of organisations", "address_key at how", MY_ADDRESS),
    Held("test_set_inboxes", "Test inboxes", "set_name address_key address", MY_ADDRESS),
    Held(
        "system_mails", "Single mails, such as confirmations", "kind address subject state made_at content",
        "lower(address) = ANY (CAST(:keys AS text[]))",
        shown="SELECT kind, address, subject, state, made_at FROM system_mails"
        " WHERE lower(address) = ANY (CAST(:keys AS text[]))",
    ),
)  # fmt: skip


def find_deliveries(connection: Connection, subject: DataSubject) -> None:
    """Make the temporary table `theirs` of a person's deliveries, which conditions name."""
    connection.execute(text("DROP TABLE IF EXISTS pg_temp.theirs"))
    connection.execute(text(_FIND), subject._asdict())


def files_of(connection: Connection, settings: Settings, subject: DataSubject) -> list[Path]:
    """Return the mails to a person that the outbox has; `theirs` was made before."""
    keys, outbox = Keys(installation_secret(settings)), settings.home / FOLDER
    rows = connection.execute(text("SELECT id, campaign_id FROM theirs ORDER BY id")).all()
    mails = text("SELECT id FROM system_mails WHERE lower(address) = ANY (CAST(:keys AS text[]))")
    names = [(0, f"system-{id_}") for id_ in connection.scalars(mails, subject._asdict())]
    for kind in (KeyKind.HEADER, KeyKind.ANY):
        made = keys.make(kind, [row.id for row in rows])
        names += [(row.campaign_id, key) for row, key in zip(rows, made, strict=True)]
    paths = (outbox / str(folder) / f"{mark}{name}.eml" for folder, name in names for mark in ("mail-", ""))
    return [path for path in paths if path.exists()]
