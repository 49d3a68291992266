"""Record the plain outcome of a request in one statement: it is our batch still, and everybody in it was taken.

Any other outcome, and a batch that somebody else has settled meanwhile, is left to attempts.record, in its seven.
"""

from __future__ import annotations

from sqlalchemy import Connection, text

from sender.delivery.campaign_states import finish_if_done
from sender.delivery.claims import Claim
from sender.providers.provider import Outcome, Verdict

# Locks are taken in the usual order: attempt, batch, people. If the first two are not as the claim left them,
# nothing changes. The people's range is in parameters: joined, PostgreSQL scans the whole table from 1,000,000 rows on.
_RECORD = text("""
    WITH attempt AS MATERIALIZED (
        SELECT id, batch_id FROM attempts WHERE id = :attempt AND outcome IS NULL FOR UPDATE
    ), batch AS MATERIALIZED (
        SELECT b.id FROM batches b JOIN attempt ON b.id = attempt.batch_id
        WHERE b.attempt_id = attempt.id AND b.state = 'sending' FOR UPDATE OF b
    ), moved AS (
        UPDATE deliveries SET state = 'accepted', reason = NULL, attempt_id = :attempt
        WHERE (SELECT id FROM batch) IS NOT NULL
          AND campaign_id = :campaign AND id BETWEEN :first AND :last AND state = 'waiting'
        RETURNING compiled_id
    ), counted AS (
        SELECT compiled_id, count(*) AS people FROM moved GROUP BY compiled_id
    ), kept AS (
        INSERT INTO ledger_moves (campaign_id, compiled_id, state, reason, people)
        SELECT :campaign, compiled_id, 'waiting', '', -people FROM counted
        UNION ALL SELECT :campaign, compiled_id, 'accepted', '', people FROM counted
    ), done AS (
        UPDATE batches SET state = 'done' WHERE id = (SELECT id FROM batch)
    ), ended AS (
        UPDATE attempts SET outcome = :outcome, status = :status, detail = :detail, message_id = :message_id,
               ended_at = now(), accepted = accepted + (SELECT coalesce(sum(people), 0) FROM counted)
        WHERE id = :attempt AND (SELECT id FROM batch) IS NOT NULL
    )
    SELECT (SELECT id FROM batch) IS NOT NULL AS recorded, EXISTS (
        SELECT FROM batches WHERE campaign_id = :campaign AND state IN ('waiting', 'sending') AND id <> :batch
    ) AS unfinished
""")


def record_all_taken(connection: Connection, claim: Claim, outcome: Outcome) -> bool:
    """Record that everybody was taken, in the caller's transaction; False, and nothing, if it is not that plain."""
    if outcome.verdict is not Verdict.ACCEPTED or outcome.fault or outcome.deferred:
        return False
    if outcome.refused or outcome.waiting or outcome.uncertain or outcome.over_limits:
        return False
    found = connection.execute(
        _RECORD,
        {
            "attempt": claim.attempt_id, "batch": claim.batch_id, "campaign": claim.campaign_id,
            "first": claim.people[0].id, "last": claim.people[-1].id, "outcome": outcome.verdict.value,
            "status": outcome.status, "detail": outcome.detail, "message_id": outcome.message_id,
        },
    ).one()  # fmt: skip
    if found.recorded and not found.unfinished:
        finish_if_done(connection, claim.campaign_id)
    return bool(found.recorded)
