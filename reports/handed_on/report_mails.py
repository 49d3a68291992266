"""Reports by mail: the figures in the mail itself, some time after a campaign's last mail left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, Row, func, insert, select, text, update

from daisychain import clock
from daisychain.database import Database
from daisychain.errors import DaisychainError, InputError, StateError
from daisychain.settings import Settings
from lists.addresses import AddressError, parse_address
from reports.charts.drawing import charts_of, drawn
from reports.document.html_report import render
from reports.figure_cells import cells, tiles_of
from reports.in_words import in_words
from reports.report import Report
from reports.tables import ReportMail
from reports.whole_report import whole_report
from sender.campaigns.campaign_record import find_campaign
from sender.providers.provider import MailPage
from sender.system_mail.mail_queue import post_mail, provider_is_set, system_sender
from sender.tables import Campaign

HOURS, MOST_HOURS, MOST_ADDRESSES = 48, 24 * 90, 20
KIND = "report"
_DUE = text("""
    SELECT m.id, m.campaign_id, m.addresses, m.asked_by FROM report_mails m JOIN campaigns c ON c.id = m.campaign_id
    WHERE m.state = 'waiting' AND c.state IN ('finished', 'cancelled')
      AND (c.frozen_at IS NULL OR c.finished_at + m.hours * interval '1 hour' <= now())
    ORDER BY m.id LIMIT 1 FOR UPDATE OF m SKIP LOCKED
""")


@dataclass(frozen=True)
class ScheduledReport:
    """A report to be mailed, or that was; `when` says so in words."""

    number: int
    addresses: Sequence[str]
    state: str
    when: str
    asked_by: str


def schedule_report(
    connection: Connection, settings: Settings, campaign_id: int, addresses: Sequence[str], by: str, hours: int = HOURS
) -> int:
    """Let a campaign's report be mailed `hours` after its last mail left, and return the number of this wish.

    Raises InputError, StateError if the campaign can have no report or no mail can be sent, ConfigurationError if mails
    have no sender.
    """
    campaign = find_campaign(connection, campaign_id)
    if campaign.kind != "campaign":
        raise StateError(f"Campaign {campaign_id} went to no list, so it has no report.")
    if campaign.state == "cancelled" and campaign.frozen_at is None:
        raise StateError(f"Campaign {campaign_id} was cancelled before it was sent, so it will have no report.")
    if not 0 <= hours <= MOST_HOURS:
        raise InputError(f"A report is mailed 0 to {MOST_HOURS} hours after sending.")
    if not provider_is_set(settings):
        raise StateError(
            "No report can be mailed: mails are only written to files here.",
            hint="Set up a mail provider (DAISYCHAIN_PROVIDER), or hand on a file: `report show ID --output may.html`.",
        )
    system_sender(connection, settings)
    written = _checked(addresses)
    values = {"campaign_id": campaign_id, "addresses": written, "hours": hours, "asked_by": by}
    return int(connection.execute(insert(ReportMail).values(values).returning(ReportMail.id)).scalar_one())


def _checked(addresses: Sequence[str]) -> list[str]:
    found = []
    for each in addresses:
        try:
            found.append(parse_address(each).written)
        except AddressError as problem:
            raise InputError(f"The address {each!r} can't be used: {problem}.") from None
    if not 1 <= len(set(found)) <= MOST_ADDRESSES:
        raise InputError(f"A report is mailed to 1 to {MOST_ADDRESSES} addresses.")
    return list(dict.fromkeys(found))


def reports_by_mail(connection: Connection, campaign_id: int) -> list[ScheduledReport]:
    """Return what is mailed of a campaign, the newest first."""
    campaign = find_campaign(connection, campaign_id)
    due = Campaign.finished_at + ReportMail.hours * text("interval '1 hour'")
    rows = connection.execute(
        select(ReportMail.__table__, due.label("due_at"))
        .join(Campaign, Campaign.id == ReportMail.campaign_id)
        .where(ReportMail.campaign_id == campaign_id)
        .order_by(ReportMail.id.desc())
    )
    return [ScheduledReport(row.id, row.addresses, row.state, _when(row, campaign.state), row.asked_by) for row in rows]


def _when(row: Row[tuple[object, ...]], state: str) -> str:
    ended: datetime | None = row.ended_at
    if row.state != "waiting":
        return f"{row.state} {clock.shown(ended)}" + (f": {row.problem}" if row.problem else "") if ended else row.state
    if row.due_at is None:
        return f"{row.hours} hours after the campaign has been sent; now it is {state}"
    return f"on {clock.shown(row.due_at)}"


def cancel_report(connection: Connection, campaign_id: int, number: int) -> bool:
    """Let a report not be mailed; False if there is none of that number that still waits."""
    which = (ReportMail.id == number) & (ReportMail.campaign_id == campaign_id) & (ReportMail.state == "waiting")
    ended = update(ReportMail).where(which).values(state="cancelled", ended_at=func.now())
    return bool(connection.execute(ended).rowcount)


def mail_due_reports(database: Database) -> str:
    """Hand the reports that are due to the queue of system mails; returns how many."""
    mailed = 0
    while _mail_one(database):
        mailed += 1
    return f"{mailed} reports mailed" if mailed else ""


def _mail_one(database: Database) -> bool:
    with database.engine.begin() as connection:
        due = connection.execute(_DUE).one_or_none()
        if due is None:
            return False
        state, problem = "sent", ""
        try:
            # Whoever reads it has no right here, so it shows what an analyst may see.
            report = whole_report(database.engine, due.campaign_id, small_cells=False)
            paragraphs, page = _mail(database.engine, report, database.settings.pages_url, due.asked_by)
        except DaisychainError as error:
            state, problem = "cancelled", error.message
        else:
            for address in due.addresses:
                post_mail(connection, database.settings, address, f"Report: {report.campaign}", paragraphs, kind=KIND,
                          page=page)  # fmt: skip
        ended = update(ReportMail).where(ReportMail.id == due.id)
        connection.execute(ended.values(state=state, problem=problem, ended_at=func.now()))
    return True


def _mail(engine: Engine, report: Report, pages_url: str, asked_by: str) -> tuple[list[str], MailPage]:
    """Return a report as text and as a page, whose charts are pictures in the mail: nothing is loaded from anywhere."""
    charts = {f"{each.name}@report": each for each in charts_of(report) if not each.missing}
    tiles = tiles_of(report)
    why = f"You get this once, as {asked_by} asked for it. No reader's name or address is in it."
    link = f"{pages_url}/desk/reports/{report.campaign_id}"
    page = render("mail.html.j2", report=report, said=in_words(report), tiles=tiles, charts=charts, why=why, link=link,
                  rows=[cells(each) for each in report.figures.values()])  # fmt: skip
    lines = [f"{each.label}: {each.value}" + (f" ({each.detail})" if each.detail else "") for each in tiles]
    paragraphs = [
        f"Report on “{report.campaign}”, as of {clock.shown(report.as_of)}", in_words(report), *report.notes,
        *(f"{each.when}: {each.content}" for each in report.staff_notes), "\n".join(lines),
        f"All figures, for people with an account: {link}", why,
    ]  # fmt: skip
    pictures = {name: drawn(engine, report, chart, "png") for name, chart in charts.items()}
    return [each for each in paragraphs if each], MailPage(page, pictures)
