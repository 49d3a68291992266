"""The doctor for the desk: a job looks, as DNS and providers may take a minute, and the page shows what it found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from procrastinate import JobContext
from sqlalchemy import Connection, delete, func, insert, select, update

from daisychain.installation import Installation
from daisychain.jobs import BEFORE_BATCHES, app, defer
from daisychain.operations.dns_records import Sending
from daisychain.operations.doctor import examine_dns, examine_installation, sending_domains
from daisychain.operations.tables import Examination
from sender.providers.sendgrid_setup import SetupFinding

# The chores' queue, whose slots no campaign takes.
QUEUE = "chores"


@dataclass(frozen=True)
class Examined:
    """The doctor's last findings, and when; `asked_at` is of a look that is still under way."""

    at: datetime | None
    findings: list[SetupFinding]
    asked_at: datetime | None


def ask_doctor(connection: Connection) -> None:
    """Let a worker look at everything that is set up, in the caller's transaction."""
    connection.execute(delete(Examination).where(Examination.asked_at < func.now() - _LONG_AGO))
    asked = connection.execute(insert(Examination).returning(Examination.id)).scalar_one()
    defer(connection, examine_for_desk, [{"examination_id": asked}], queue=QUEUE)


_LONG_AGO = func.make_interval(0, 0, 0, 7)


@app.task(name="operations.examine", queue=QUEUE, priority=BEFORE_BATCHES, pass_context=True)
def examine_for_desk(context: JobContext, examination_id: int) -> None:
    """Look, and keep what was found."""
    database = context.additional_context["database"]
    installation = Installation.of(database)
    first, *others = sending_domains(installation) or [""]
    findings = list(examine_installation(installation, Sending(first) if first else None))
    for domain in others:
        findings += examine_dns(installation, Sending(domain))
    with database.engine.begin() as connection:
        kept = update(Examination).where(Examination.id == examination_id)
        connection.execute(kept.values(ended_at=func.now(), findings=[vars(each) for each in findings]))


def last_examination(connection: Connection) -> Examined:
    """Return what the doctor found last."""
    ended = select(Examination.ended_at, Examination.findings).where(Examination.ended_at.is_not(None))
    row = connection.execute(ended.order_by(Examination.id.desc()).limit(1)).one_or_none()
    # A worker that died leaves one that never ends.
    recent = Examination.asked_at > func.now() - func.make_interval(0, 0, 0, 0, 0, 5)
    asked = connection.scalar(select(func.max(Examination.asked_at)).where(Examination.ended_at.is_(None), recent))
    findings = [SetupFinding(**each) for each in row.findings] if row else []
    return Examined(row.ended_at if row else None, findings, asked)
