"""Notes on a report, links to it for people without an account, and mails of it."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Blueprint, flash, redirect, url_for

from daisychain.errors import InputError
from desk.access import connection, note, person, right, settings
from desk.campaigns.progress import found
from desk.forms import Form
from reports.handed_on.report_links import DAYS, links_of, make_link, revoke_link
from reports.handed_on.report_mails import HOURS, cancel_report, reports_by_mail, schedule_report
from reports.staff_notes import add_note, read_notes, remove_note

blueprint = Blueprint("report_sharing", __name__, url_prefix="/reports/<int:campaign_id>/share")
START = {"days": str(DAYS), "hours": str(HOURS)}
NOT_THERE = "That one is already gone."


@blueprint.get("")
@right("reports.share")
def show(campaign_id: int) -> Any:
    """Show notes, links and mails of a report, with a form for each."""
    return _page(campaign_id, Form(**START))


@blueprint.post("/notes")
@right("reports.share")
def write(campaign_id: int) -> Any:
    """Add a note on a day."""
    form = Form("content", "day", **START)
    with form.check("content"):
        day = _day(form["day"])
        add_note(connection(), found(campaign_id).id, form["content"], person().name, day)
    return _done(campaign_id, form, "The note is in the report.", added="note")


@blueprint.post("/notes/<int:number>/remove")
@right("reports.share")
def remove(campaign_id: int, number: int) -> Any:
    """Remove a note."""
    form = Form(**START)
    with form.check("content"):
        remove_note(connection(), found(campaign_id).id, number)
    return _done(campaign_id, form, "The note is removed.", removed="note")


@blueprint.post("/links")
@right("reports.share")
def link(campaign_id: int) -> Any:
    """Make a link that shows the report without signing in."""
    form = Form("for_whom", "days", **START)
    with form.check("days"):
        made = make_link(connection(), found(campaign_id).id, person().name, form["for_whom"], _number(form["days"]))
        note(str(campaign_id), link=made)
    return _done(campaign_id, form, "The link is made: copy it below.", days=form["days"])


@blueprint.post("/links/<int:number>/revoke")
@right("reports.share")
def revoke(campaign_id: int, number: int) -> Any:
    """Let a link open nothing from now on."""
    revoked = revoke_link(connection(), found(campaign_id).id, number, person().name)
    return _done(campaign_id, Form(), "The link opens nothing from now on." if revoked else NOT_THERE, revoked=number)


@blueprint.post("/mails")
@right("reports.share")
def mail(campaign_id: int) -> Any:
    """Let the report be mailed some time after sending."""
    form = Form("addresses", "hours", **START)
    with form.check("addresses"):
        to = form["addresses"].replace(",", " ").replace(";", " ").split()
        schedule_report(connection(), settings(), found(campaign_id).id, to, person().name, _number(form["hours"]))
    return _done(campaign_id, form, "The report will be mailed.", mails="scheduled")


@blueprint.post("/mails/<int:number>/cancel")
@right("reports.share")
def cancel(campaign_id: int, number: int) -> Any:
    """Let the report not be mailed."""
    cancelled = cancel_report(connection(), found(campaign_id).id, number)
    return _done(campaign_id, Form(), "It will not be mailed." if cancelled else NOT_THERE, cancelled=number)


def _done(campaign_id: int, form: Form, words: str, **noted: Any) -> Any:
    if form.errors:
        return _page(campaign_id, form)
    note(str(campaign_id), **noted)
    flash(words)
    return redirect(url_for("report_sharing.show", campaign_id=campaign_id))


def _page(campaign_id: int, form: Form) -> Any:
    campaign = found(campaign_id)
    return form.page(
        "desk/reports/share.html", campaign=campaign, notes=read_notes(connection(), campaign_id),
        links=links_of(connection(), settings(), campaign_id), mails=reports_by_mail(connection(), campaign_id),
    )  # fmt: skip


def _day(typed: str) -> date | None:
    try:
        return date.fromisoformat(typed) if typed else None
    except ValueError:
        raise InputError("The day is not written as 2026-11-30.") from None


def _number(typed: str) -> int:
    return int(typed) if typed.isdecimal() and len(typed) < 6 else -1
