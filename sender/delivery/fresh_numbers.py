"""Numbers for a database that came back from the past: none is given again to somebody else.

Mails that left after the backup carry ids that the database has forgotten: in links, headers, and a provider's events.
If the sequences went on from the backup, those ids would soon be other people's.
"""

from __future__ import annotations

from sqlalchemy import Connection, text

# Numbers that people read and type, and those of 32 bits (senders' are in advisory locks): on to the next thousand,
# as a restored database is seldom a thousand campaigns old. Every other sequence is moved to the present in
# microseconds. Nobody gives out a million ids a second for days, so two restores of one backup never meet; and it
# leaves a double's 53 bits and a bigint's 63 alone (1.8e15 in 2026). `before_restore` is what a restore replaces.
_MOVE = text("""
    SELECT setval(mine.oid::regclass, greatest(
        (greatest(mine.last, theirs.last) / 1000 + 1) * 1000,
        CASE WHEN mine.relname NOT IN ('campaigns_id_seq', 'batches_id_seq', 'imports_id_seq', 'senders_id_seq')
             AND mine.seqtypid = 'bigint'::regtype
             THEN CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint) END))
    FROM (SELECT c.oid, relname, seqtypid, coalesce(pg_sequence_last_value(c.oid), seqstart - 1) AS last
          FROM pg_sequence JOIN pg_class c ON c.oid = seqrelid
          WHERE relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = 'deliveries'::regclass)) AS mine
    LEFT JOIN (SELECT relname, pg_sequence_last_value(c.oid) AS last
          FROM pg_sequence JOIN pg_class c ON c.oid = seqrelid
          WHERE relnamespace = to_regnamespace('before_restore')) AS theirs USING (relname)
""")


def move_numbers_ahead(connection: Connection) -> None:
    """Move all sequences far ahead. A rollback of the caller's transaction does not undo it, which does no harm."""
    connection.execute(_MOVE)
