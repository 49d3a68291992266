"""The data of a person in this room, table by table, and what an erasure makes of it."""

# ruff: noqa: S608 - its SQL is built from our constants only

from __future__ import annotations

from lists.privacy.held_data import MY_ADDRESS, STAYS, Held

MINE = "member_id = CAST(:member AS bigint)"

_NAMED_IN = "EXISTS (SELECT FROM unnest(CAST(:keys AS text[])) AS key WHERE position(key IN lower({content})) > 0)"
_WHOLE = """(SELECT encode(string_agg(content, '' ORDER BY number), 'escape') FROM upload_slices
    WHERE upload_id = uploads.id)"""
_ME = f"id = CAST(:member AS bigint) OR {MY_ADDRESS}"

# A member's own row is the last one, as others are found through it.
LISTS_HOLD = (
    # The longest values of a list's fields are somebody's; a worker counts them again.
    Held("list_figures", "", "value", f"list_id IN (SELECT list_id FROM memberships WHERE {MINE})"),
    Held(
        "consent_events", "Consents and withdrawals", "evidence", MINE,
        shown="SELECT l.name AS list, e.purpose, e.kind, e.at, e.recorded_at, t.basis, t.source, e.evidence,"
        " t.collected_by, t.by, w.text AS wording, w.version, w.language, w.hash FROM consent_events e"
        " JOIN lists l ON l.id = e.list_id JOIN consent_terms t ON t.id = e.terms_id"
        f" LEFT JOIN consent_wordings w ON w.id = t.wording_id WHERE {MINE} ORDER BY e.id",
    ),
    Held(
        "memberships", "Lists", "source collected_by", MINE,
        shown="SELECT l.name AS list, l.title, m.state, m.basis, m.source, m.consented_at, m.collected_by,"
        " m.reads_agreed, m.paused_until, m.joined_at, m.left_at, m.left_how"
        f" FROM memberships m JOIN lists l ON l.id = m.list_id WHERE {MINE}",
    ),
    # A workbook can't be searched for an address: colleagues send their files again. Refused rows are our own CSV.
    Held(
        "uploads", "", "name", f"id NOT IN (SELECT refused_id FROM import_drafts WHERE refused_id IS NOT NULL) OR"
        f" ({_NAMED_IN.format(content=_WHOLE)})",
    ),
    Held("upload_slices", "", "content", "false", STAYS),  # with their upload
    Held("import_drafts", "", "found result problem", f"{_NAMED_IN.format(content='result::text || found::text')}",
         "found = '{}', result = '{}', problem = '[]'"),
    Held(
        "sign_ups", "Sign-ups", "address address_key first_name last_name organisation language partner network_hash",
        MY_ADDRESS,
        # The row stays as what it is to the link in the mail that was sent: used.
        "address = '', address_key = '', first_name = '', last_name = '', organisation = '', language = '',"
        " partner = '', network_hash = '', used_at = coalesce(used_at, now())",
        shown="SELECT l.name AS list, s.address, s.first_name, s.last_name, s.organisation, s.language, s.asked_at,"
        " s.confirmed_at, s.outcome, w.text AS wording, w.version, w.language AS wording_language, w.hash"
        " FROM sign_ups s"
        f" JOIN lists l ON l.id = s.list_id JOIN sign_up_wordings w ON w.id = s.wording_id WHERE {MY_ADDRESS}",
    ),
    Held("import_changes", "Changes by imports, for as long as they can be undone", "before after", MINE),
    Held("suppressions", "Suppression", "address_key reason source at note", MY_ADDRESS),
    Held(
        "restorations", "Subscribed again, and suppressions lifted", "address_key at how because evidence before",
        MY_ADDRESS,
    ),
    Held("member_changes", "Corrections and restrictions", "at what by because before after", MINE),
    Held(
        "complaints", "Complaints about data protection", "received_at contact about acknowledged_at closed_at outcome",
        "lower(contact) = ANY (CAST(:keys AS text[]))", "contact = ''", "what it was about, and how it ended: the log",
    ),
    Held(
        "members", "The member", "email address_key first_name last_name language fields created_at updated_at"
        " restricted_at", _ME,
        shown="SELECT email, first_name, last_name, language, fields, created_at AS added, updated_at AS changed,"
        f" restricted_at AS restricted FROM members WHERE {_ME}",
    ),
)  # fmt: skip
