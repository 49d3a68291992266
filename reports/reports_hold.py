"""The data of a person in this room, table by table, and what an erasure makes of it."""

# ruff: noqa: S608 - its SQL is built from our constants only

from __future__ import annotations

from lists.privacy.held_data import Held

_EACH = "jsonb_array_elements_text(addresses) AS each (address)"
_MINE = "lower(address) = ANY (CAST(:keys AS text[]))"

REPORTS_HOLD = (
    Held(
        "report_mails", "Reports that are mailed", "addresses", f"EXISTS (SELECT FROM {_EACH} WHERE {_MINE})",
        f"addresses = (SELECT coalesce(jsonb_agg(address), '[]') FROM {_EACH} WHERE NOT {_MINE})",
        shown="SELECT asked_at, state, ended_at FROM report_mails"
        f" WHERE EXISTS (SELECT FROM {_EACH} WHERE {_MINE})",
    ),
)  # fmt: skip
