"""Gauges of the sender for a monitoring system, in Prometheus' terms."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, text


@dataclass(frozen=True)
class Gauge:
    """One figure, or one for each value of a label; `values` maps labels as (name, value) pairs to numbers."""

    name: str
    help: str
    values: dict[tuple[tuple[str, str], ...], float]


# People are of current campaigns only.
# Uncertain people are in few batches with short ranges, so they are counted for all campaigns.
_FIGURES = {
    ("daisychain_campaigns", "Campaigns by state, tests left out."): """
        SELECT state, count(*) FROM campaigns WHERE kind <> 'test' GROUP BY state""",
    ("daisychain_people", "People of campaigns that are sending or paused, by state in the ledger."): """
        SELECT c.id::text AS campaign, m.state, sum(m.people)
        FROM campaigns c JOIN ledger_moves m ON m.campaign_id = c.id
        WHERE c.state IN ('sending', 'paused') AND c.kind <> 'test'
        GROUP BY c.id, m.state HAVING sum(m.people) <> 0""",
    ("daisychain_uncertain_people", "People who may or may not have been mailed, in all campaigns."): """
        SELECT count(*)
        FROM batches b JOIN deliveries d ON d.id BETWEEN b.first_id AND b.last_id AND d.campaign_id = b.campaign_id
        WHERE b.state = 'uncertain' AND d.state = 'uncertain'""",
    ("daisychain_webhook_bodies_waiting", "Webhook bodies that are not processed yet."): """
        SELECT count(*) FROM webhook_bodies WHERE processed_at IS NULL""",
    ("daisychain_last_event_age_seconds", "Seconds since the last event of any kind was received."): """
        SELECT extract(epoch FROM now() - received_at) FROM events ORDER BY id DESC LIMIT 1""",
    ("daisychain_jobs_waiting", "Jobs that are due and not started."): """
        SELECT count(*) FROM procrastinate_jobs
        WHERE status = 'todo' AND (scheduled_at IS NULL OR scheduled_at <= now())""",
    ("daisychain_senders", "Processes that deliver, or that died and were not noticed yet."): """
        SELECT count(*) FROM senders WHERE ended_at IS NULL""",
    ("daisychain_alerts", "Alerts that are open."): """
        SELECT count(*) FROM alerts WHERE over_at IS NULL""",
}  # fmt: skip


def gauges(connection: Connection) -> Iterator[Gauge]:
    """Read all gauges in one transaction."""
    for (name, help_), statement in _FIGURES.items():
        result = connection.execute(text(statement))
        labels = list(result.keys())[:-1]
        yield Gauge(
            name, help_,
            {tuple(zip(labels, map(str, row[:-1]), strict=True)): float(row[-1]) for row in result},
        )  # fmt: skip
