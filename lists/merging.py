"""Merging: from the rows of a sheet in a temporary table to members and memberships, by whole sets.

Every row that was read lies in `incoming`, with the reason why it is refused, or NULL; so the counts add up
by construction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from daisychain.database import settings_of
from lists.bases import CHARITY, same_organisation
from lists.consent.consent_ledger import find_terms, with_events
from lists.privacy.address_hash import FORGOTTEN, anybody_forgotten, hash_keys, is_forgotten
from lists.suppression import NewSuppression, suppress_all
from lists.tables import BY_PAGE, ONE_CLICK

# One import merges at a time in an installation: two that meet the same new people in another order would
# deadlock. Their files are read side by side. An arbitrary number that only has to be ours.
LOCK = 0x0DA151C5

# fmt: off
_TABLE = """
    CREATE TEMPORARY TABLE incoming (
        id bigint NOT NULL DEFAULT nextval('members_id_seq'),  -- of the member, if the row makes one
        line bigint NOT NULL,
        reason text,
        doubt text,
        objection text,
        email text,
        address_key text COLLATE "C",
        first_name text,
        last_name text,
        language text,
        consented_at timestamptz,
        collected_by text,
        fields jsonb
    ) ON COMMIT DROP
"""
COPY = """
    COPY incoming (
        line, reason, doubt, objection, email, address_key, first_name, last_name, language, consented_at,
        collected_by, fields
    ) FROM STDIN
"""
NOTHING = (None,) * 6  # from first_name on, of a person who is not imported

_REFUSE_DOUBTFUL = "UPDATE incoming SET reason = doubt WHERE doubt IS NOT NULL AND reason IS NULL"
# Nothing is kept of them, not even their "no": their hash says more.
_REFUSE_FORGOTTEN = f"""
    UPDATE incoming SET reason = '{FORGOTTEN}', objection = NULL
    WHERE address_key IS NOT NULL AND {is_forgotten("address_key")}
"""  # noqa: S608 - of constants
# A "no" wins over every other row of the same address, before or after it. Rows with one have a reason already.
_REFUSE_OBJECTIONS_ELSEWHERE = """
    UPDATE incoming SET reason = 'not subscribed: line ' || objected.first || ' says so'
    FROM (SELECT address_key, min(abs(line)) AS first FROM incoming WHERE objection IS NOT NULL GROUP BY address_key)
        AS objected
    WHERE objected.address_key = incoming.address_key AND incoming.reason IS NULL
"""
_END_MEMBERSHIPS = with_events("""
    UPDATE memberships SET state = 'unsubscribed', left_at = now(), left_how = :how
    FROM members WHERE memberships.member_id = members.id AND memberships.list_id = :list_id
      AND memberships.state = 'subscribed'
      AND members.address_key IN (SELECT address_key FROM incoming WHERE objection IS NOT NULL)
""", "withdrawn")
# Said again, a "no" stays even if the import or the click that said it first is undone. In a transaction now() stands
# still: memberships that have just ended are not among these.
_SAY_AGAIN = with_events("""
    UPDATE memberships SET left_at = now(), left_how = :again
    FROM members WHERE memberships.member_id = members.id AND memberships.list_id = :list_id
      AND memberships.state = 'unsubscribed' AND left_how IN ('import', :by_page, :one_click) AND left_at < now()
      AND members.address_key IN (SELECT address_key FROM incoming WHERE objection IS NOT NULL)
""", "withdrawn", ":again_id")
# Of somebody new only the address is kept, so that an older sheet can't add them later.
_REMEMBER_ADDRESSES = """
    INSERT INTO members (email, address_key)
    SELECT DISTINCT ON (address_key) email, address_key FROM incoming
    WHERE objection IS NOT NULL ORDER BY address_key, line
    ON CONFLICT DO NOTHING
"""
_REMEMBER_OBJECTIONS = with_events("""
    INSERT INTO memberships (list_id, member_id, state, left_at, left_how)
    SELECT :list_id, id, 'unsubscribed', now(), :how FROM members
    WHERE address_key IN (SELECT address_key FROM incoming WHERE objection IS NOT NULL)
    ORDER BY id
    ON CONFLICT DO NOTHING
""", "withdrawn")
_NEVER_AGAIN = """
    SELECT DISTINCT ON (address_key) address_key, reason FROM incoming WHERE objection = 'never'
    ORDER BY address_key, line
"""

_REFUSE_SUPPRESSED = """
    UPDATE incoming SET reason = 'suppressed'
    FROM suppressions WHERE suppressions.address_key = incoming.address_key AND incoming.reason IS NULL
"""
_REFUSE_LEAVERS = """
    UPDATE incoming SET reason = 'left this list'
    FROM members JOIN memberships ON memberships.member_id = members.id
    WHERE memberships.list_id = :list_id AND memberships.state = 'unsubscribed'
      AND members.address_key = incoming.address_key AND incoming.reason IS NULL
"""
# A charity's soft opt-in holds for contacts that it collected itself, since 5 February 2026.
_REFUSE_OUTSIDE_THE_LAW = """
    UPDATE incoming SET reason = 'soft opt-in: ' || CASE
        WHEN consented_at IS NULL THEN 'no date of collection'
        WHEN consented_at < '2026-02-05 00:00+00' THEN 'collected before 5 February 2026'
        WHEN collected_by = '' THEN 'no organisation that collected it'
        ELSE 'collected by ' || collected_by END
    WHERE reason IS NULL AND (consented_at IS NULL OR consented_at < '2026-02-05 00:00+00' OR collected_by = ''
        OR collected_by = ANY(:others))
"""
# A contact belongs to the organisation that collected it. Another one's list takes them only with a basis of its own:
# one that this file, or the list already, has for them.
_COLLECTORS = """
    SELECT DISTINCT collected_by FROM incoming WHERE reason IS NULL
    UNION
    SELECT elsewhere.collected_by
    FROM incoming JOIN members USING (address_key) JOIN memberships AS elsewhere ON elsewhere.member_id = members.id
    WHERE incoming.reason IS NULL AND elsewhere.list_id <> :list_id AND elsewhere.collected_by <> ''
"""
ANOTHER_ORGANISATION = "another organisation"
_REFUSE_OTHERS_CONTACTS = """
    UPDATE incoming SET reason = 'another organisation: collected by ' || collected_by
    WHERE reason IS NULL AND collected_by = ANY(:others)
"""
_REFUSE_CONTACTS_OF_OTHERS_LISTS = """
    UPDATE incoming SET reason = 'another organisation: collected by ' || elsewhere.collected_by
    FROM members JOIN memberships AS elsewhere ON elsewhere.member_id = members.id
    WHERE members.address_key = incoming.address_key AND incoming.reason IS NULL AND incoming.collected_by = ''
      AND elsewhere.list_id <> :list_id AND elsewhere.collected_by = ANY(:others)
      AND NOT EXISTS (SELECT FROM memberships AS here
        WHERE here.list_id = :list_id AND here.member_id = members.id AND here.basis <> 'unknown')
"""
# The first good row of an address stands, and the later ones are named after it.
_REFUSE_DUPLICATES = """
    UPDATE incoming SET reason = 'duplicate of line ' || twice.first
    FROM (
        SELECT address_key, min(line) AS first FROM incoming
        WHERE reason IS NULL GROUP BY address_key HAVING count(*) > 1
    ) AS twice
    WHERE twice.address_key = incoming.address_key AND incoming.line > twice.first AND incoming.reason IS NULL
"""
# A value replaces a value, an empty cell nothing. Rows that would not change are not written. What an undo needs of the
# others is written first, and they are updated from it.
_TOUCH_MEMBERS = """
    INSERT INTO import_changes (import_id, member_id, what, before, after)
    SELECT :import_id, members.id, 'member',
        jsonb_build_object('first_name', members.first_name, 'last_name', members.last_name,
                           'language', members.language, 'fields', members.fields),
        jsonb_build_object('first_name', coalesce(nullif(incoming.first_name, ''), members.first_name),
                           'last_name', coalesce(nullif(incoming.last_name, ''), members.last_name),
                           'language', coalesce(nullif(incoming.language, ''), members.language),
                           'fields', members.fields || incoming.fields)
    FROM incoming JOIN members USING (address_key)
    WHERE incoming.reason IS NULL AND (
        incoming.first_name NOT IN ('', members.first_name)
        OR incoming.last_name NOT IN ('', members.last_name)
        OR incoming.language NOT IN ('', members.language)
        OR NOT members.fields @> incoming.fields)
"""
_UPDATE_MEMBERS = """
    UPDATE members SET
        first_name = after ->> 'first_name', last_name = after ->> 'last_name', language = after ->> 'language',
        fields = after -> 'fields', updated_at = now()
    FROM import_changes AS touched
    WHERE import_id = :import_id AND touched.member_id = members.id AND what = 'member'
"""
# In the ledger, what the people of an import have in common is written once for each organisation that collected them.
_WRITE_TERMS = """
    INSERT INTO consent_terms (basis, source, collected_by, import_id, wording_id)
    SELECT :basis, :source, name, CAST(:import_id AS bigint), CAST(:wording_id AS bigint)
    FROM unnest(CAST(:collectors AS text[])) AS name
    WHERE EXISTS (SELECT FROM incoming WHERE reason IS NULL AND collected_by = name)
"""
_TERMS = """
    JOIN consent_terms AS terms ON terms.import_id = :import_id AND terms.basis = :basis
      AND terms.collected_by = changed.collected_by
"""
# A consent that was unknown is filled, and a soft opt-in of unspecified kind by one of the two; any other that is
# recorded is evidence, and stays.
_TOUCH_CONSENT = """
    INSERT INTO import_changes (import_id, member_id, what, before, after)
    SELECT :import_id, members.id, 'consent',
        jsonb_build_object('basis', memberships.basis, 'source', memberships.source,
                           'consented_at', memberships.consented_at, 'collected_by', memberships.collected_by),
        jsonb_build_object('basis', CAST(:basis AS text), 'source', CAST(:source AS text),
                           'consented_at', incoming.consented_at, 'collected_by', incoming.collected_by)
    FROM incoming JOIN members USING (address_key) JOIN memberships ON memberships.member_id = members.id
    WHERE incoming.reason IS NULL AND memberships.list_id = :list_id AND (memberships.basis = 'unknown'
        OR memberships.basis = 'soft-opt-in' AND starts_with(:basis, 'soft-opt-in-'))
"""
_FILL_CONSENT = with_events("""
    UPDATE memberships SET
        basis = :basis, source = :source, consented_at = CAST(after ->> 'consented_at' AS timestamptz),
        collected_by = after ->> 'collected_by'
    FROM import_changes AS touched
    WHERE import_id = :import_id AND touched.member_id = memberships.member_id AND what = 'consent'
      AND memberships.list_id = :list_id
""", "given", "terms.id", "consented_at", _TERMS)
_COUNT_UPDATED = """
    SELECT count(DISTINCT member_id)
    FROM import_changes JOIN memberships USING (member_id) WHERE import_id = :import_id AND list_id = :list_id
"""
_INSERT_MEMBERS = """
    INSERT INTO members (id, email, address_key, first_name, last_name, language, fields)
    SELECT id, email, address_key, first_name, last_name, language, fields FROM incoming
    WHERE reason IS NULL AND NOT EXISTS (SELECT FROM members WHERE members.address_key = incoming.address_key)
"""
_INSERT_MEMBERSHIPS = """
    INSERT INTO memberships (list_id, member_id, basis, source, consented_at, collected_by)
    SELECT :list_id, members.id, :basis, :source, incoming.consented_at, incoming.collected_by
    FROM incoming JOIN members USING (address_key)
    WHERE incoming.reason IS NULL AND NOT EXISTS (SELECT FROM memberships AS here
        WHERE here.list_id = :list_id AND here.member_id = members.id)
    ORDER BY members.id
    ON CONFLICT DO NOTHING
"""
# Counted, because for the first one alone PostgreSQL would look up a million people one by one.
_ANYBODY_MISSING = """
    SELECT NOT EXISTS (SELECT FROM memberships WHERE list_id = :list_id) OR 0 < (
        SELECT count(*) FROM incoming WHERE reason IS NULL AND NOT EXISTS (
            SELECT FROM members JOIN memberships ON memberships.member_id = members.id
            WHERE members.address_key = incoming.address_key AND memberships.list_id = :list_id))
"""
# All at once, so that each row is either of a member that this statement sees, or of somebody new. New people need no
# look for a conflict, no sort (their ids are in the order of the file) and no join: half the time.
_GIVEN = "RETURNING memberships.member_id, memberships.consented_at, memberships.collected_by"
_ADD_QUICKLY = f"""
    WITH new_members AS ({_INSERT_MEMBERS}), known AS ({_INSERT_MEMBERSHIPS} {_GIVEN}), new AS (
        INSERT INTO memberships (list_id, member_id, basis, source, consented_at, collected_by)
        SELECT :list_id, id, :basis, :source, consented_at, collected_by FROM incoming
        WHERE reason IS NULL AND NOT EXISTS (SELECT FROM members WHERE members.address_key = incoming.address_key)
        {_GIVEN}
    )
    INSERT INTO consent_events (member_id, list_id, kind, terms_id, at)
    SELECT member_id, :list_id, 'given', terms.id, consented_at
    FROM (SELECT * FROM known UNION ALL SELECT * FROM new) AS changed {_TERMS}
"""  # noqa: S608 - of constants
_ADD_CAREFULLY = with_events(_INSERT_MEMBERSHIPS, "given", "terms.id", "consented_at", _TERMS)
# A row with a "no" for several addresses is in there several times, and only once with a line above 0.
# "address: has no @" and "duplicate of line 7" are counted as "address" and "duplicate".
_COUNT_REASONS = """
    SELECT regexp_replace(reason, '(:| of line ).*', '') AS kind, count(*) FROM incoming
    WHERE line > 0 GROUP BY kind ORDER BY count(*) DESC, kind
"""
_REFUSED = "SELECT line, reason FROM incoming WHERE reason IS NOT NULL AND line > 0 ORDER BY line"
# fmt: on
MANY = 10_000


@dataclass(frozen=True)
class Objections:
    """The record of a "no" in a file: the way people left, and the source and note of suppressions."""

    source: str
    note: str
    how: str = "import"
    by: str = ""

    @property
    def again(self) -> str:
        """The way of a "no" that somebody had said before."""
        return "import, again" if self.how == "import" else self.how


@dataclass(frozen=True)
class Counts:
    """The counts of the rows that were read; `read` is the sum of the other four."""

    read: int
    added: int
    updated: int
    unchanged: int
    refused: int
    refused_because: dict[str, int]
    # What the "no" of refused rows did: memberships ended, people remembered who were not on the list, suppressions.
    ended: int = 0
    remembered: int = 0
    suppressed: int = 0


def note_of(name: str) -> str:
    """Return the note of suppressions that an import into the list `name` makes."""
    return f"import into {name}"


def prepare(connection: Connection) -> None:
    """Make the temporary table that this transaction's import is laid down in."""
    connection.execute(text("DROP TABLE IF EXISTS pg_temp.incoming"))
    connection.execute(text(_TABLE))


def merge(
    connection: Connection,
    list_id: int,
    *,
    basis: str,
    source: str,
    sender: Collection[str] = (),
    objections: Objections | None = None,
    number: int = 0,
    wording_id: int | None = None,
) -> Counts:
    """Merge `incoming` into the list, after other imports that are merging; people who left stay away.

    `sender` has the names of the organisation that the list is sent by.
    What the import `number` changes is kept for its undo; 0 is for what will be rolled back, or changes no values.
    """
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    # Joins of a million addresses fit in memory instead of spilling; it is given back with the transaction.
    connection.execute(text("SET LOCAL work_mem = '64MB'"))
    connection.execute(text("ANALYZE incoming (line, reason, address_key)"))
    these: dict[str, Any] = {
        "list_id": list_id, "basis": basis, "source": source, "import_id": number, "by_page": BY_PAGE,
        "one_click": ONE_CLICK, "wording_id": wording_id,
    }  # fmt: skip

    def run(statement: str) -> int:
        return connection.execute(text(statement), these).rowcount

    if anybody_forgotten(connection):
        these |= hash_keys(settings_of(connection))
        run(_REFUSE_FORGOTTEN)
    ended = remembered = suppressed = 0
    if objections:
        of = {"import_id": number or None, "by": objections.by}
        these |= {"how": objections.how, "terms_id": find_terms(connection, source=objections.how, **of)}
        these |= {"again": objections.again, "again_id": find_terms(connection, source=objections.again, **of)}
        run(_REFUSE_OBJECTIONS_ELSEWHERE)
        ended = run(_END_MEMBERSHIPS)
        run(_SAY_AGAIN)
        run(_REMEMBER_ADDRESSES)
        remembered = run(_REMEMBER_OBJECTIONS)
        suppressed = _suppress(connection, objections)
    run(_REFUSE_SUPPRESSED)
    run(_REFUSE_LEAVERS)
    these["collectors"] = names = list(connection.scalars(text(_COLLECTORS), these))
    these["others"] = [name for name in names if name and not same_organisation(name, sender)]
    if basis == CHARITY:
        run(_REFUSE_OUTSIDE_THE_LAW)
    if these["others"]:
        run(_REFUSE_OTHERS_CONTACTS)
        run(_REFUSE_CONTACTS_OF_OTHERS_LISTS)
    run(_REFUSE_DUPLICATES)
    if touched := run(_TOUCH_MEMBERS):
        if touched > MANY:
            connection.execute(text("ANALYZE import_changes"))
        run(_UPDATE_MEMBERS)
    missing = connection.scalar(text(_ANYBODY_MISSING), these)
    filled = run(_TOUCH_CONSENT) if basis != "unknown" else 0
    if missing or filled:
        run(_WRITE_TERMS)
    if filled:
        run(_FILL_CONSENT)
    updated: int = connection.execute(text(_COUNT_UPDATED), these).scalar_one()
    added = _add_people(connection, these) if missing else 0
    if added > MANY:
        # Whoever freezes or audits this list in a moment should not plan for the empty one that it was.
        connection.execute(text("ANALYZE members, memberships, consent_events, consent_terms"))
    return replace(_counted(connection, added, updated), ended=ended, remembered=remembered, suppressed=suppressed)


def _add_people(connection: Connection, these: dict[str, object]) -> int:
    """Add the good rows' people to the list; return how many were not on it.

    Quickly, unless somebody in the file signs up meanwhile: with a lock, they would wait until this is over.
    """
    try:
        with connection.begin_nested():
            return connection.execute(text(_ADD_QUICKLY), these).rowcount
    except IntegrityError:
        connection.execute(text(f"{_INSERT_MEMBERS} ON CONFLICT DO NOTHING"))
        return connection.execute(text(_ADD_CAREFULLY), these).rowcount


def refuse_doubtful(connection: Connection) -> None:
    """Refuse the rows that could only be used if others had shown how they are meant."""
    connection.execute(text(_REFUSE_DOUBTFUL))


def refused(connection: Connection) -> Iterator[tuple[int, str]]:
    """Line and reason of each refused row, in the order of the file, a few at a time."""
    for line, reason in connection.execute(text(_REFUSED), execution_options={"yield_per": 5_000}):
        yield int(line), str(reason)


def _suppress(connection: Connection, objections: Objections) -> int:
    """Suppress the addresses that a file says must never be mailed; return how many are new."""
    found = connection.execute(text(_NEVER_AGAIN), execution_options={"yield_per": 5_000})
    this = (objections.source, objections.note)
    return sum(
        suppress_all(connection, [NewSuppression(key, why[len("not subscribed: ") :], *this) for key, why in rows])
        for rows in found.partitions()
    )


def _counted(connection: Connection, added: int, updated: int) -> Counts:
    kinds = dict(map(tuple, connection.execute(text(_COUNT_REASONS))))
    good = kinds.pop(None, 0)
    refused_rows = sum(kinds.values())
    return Counts(good + refused_rows, added, updated, good - added - updated, refused_rows, kinds)
