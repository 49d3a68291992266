"""Steer a campaign: resume, cancel, retry, move or unschedule, correct. What can't be undone is asked about once."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request

from accounts.staff import ids_with
from daisychain.clock import home_zone
from desk.access import connection, database, note, person, right, settings
from desk.campaigns.progress import found, shown
from desk.forms import Form
from sender.campaigns import follow_ups, steering
from sender.campaigns.campaign_record import CampaignRecord
from sender.campaigns.due_campaigns import defer_start
from sender.campaigns.plans import Plan, in_words, is_planned
from sender.campaigns.status import campaign_status
from sender.campaigns.unsent import unschedule as make_draft
from sender.delivery import confirmed_places
from sender.launching.schedule import keep_plan, schedule
from sender.reader_pages.past_bulletins import leave_out

blueprint = Blueprint("steering", __name__, url_prefix="/campaigns/<int:campaign_id>")
NEEDS_REASON = "Write why; it is kept with your name."


@blueprint.get("/resume")
@right("campaigns.steer")
def ask_to_resume(campaign_id: int) -> Any:
    """Show why a campaign is paused, and how many people are mailed if it is resumed."""
    return _question(Form(), "resume", found(campaign_id), "paused")


@blueprint.post("/resume")
@right("campaigns.steer", fresh=True)
def resume(campaign_id: int) -> Any:
    """Resume a paused campaign; the server's workers send it."""
    form, campaign = Form("because"), found(campaign_id)
    with form.check("because"):
        confirmed_places.require_here(database())
        steering.resume(
            connection(), settings(), campaign_id, who=person().name, because=form["because"], later=True
        )  # fmt: skip
        defer_start(connection())
    if form.errors:
        return _question(form, "resume", campaign)
    return shown(campaign, "Resumed.")


@blueprint.get("/cancel")
@right("campaigns.steer")
def ask_to_cancel(campaign_id: int) -> Any:
    """Show how many people are out already, and how many would not be mailed."""
    return _question(Form(), "cancel", found(campaign_id), "scheduled", "sending", "paused")


@blueprint.post("/cancel")
@right("campaigns.steer", fresh=True)
def cancel(campaign_id: int) -> Any:
    """Cancel the rest of a campaign."""
    form, campaign, people = Form("because"), found(campaign_id), 0
    with form.check("because"):
        people = steering.cancel(connection(), campaign_id, who=person().name, because=form["because"])
    if form.errors:
        return _question(form, "cancel", campaign)
    return shown(campaign, f"Cancelled. {people:,} people will not be mailed.")


@blueprint.get("/retry")
@right("campaigns.decide")
def ask_to_retry(campaign_id: int) -> Any:
    """Show who failed, and why."""
    return _question(Form(), "retry", found(campaign_id), "sending", "paused", "finished")


@blueprint.post("/retry")
@right("campaigns.decide", fresh=True)
def retry(campaign_id: int) -> Any:
    """Retry failed people."""
    form, campaign, people = Form("because"), found(campaign_id), 0
    if not form["because"]:
        form.errors["because"] = NEEDS_REASON
    else:
        with form.check("because"):
            people = steering.retry(connection(), campaign_id, who=person().name, because=form["because"])
    if form.errors:
        return _question(form, "retry", campaign)
    return shown(campaign, f"{people:,} failed people are waiting again.")


@blueprint.get("/plan")
@right("campaigns.steer")
def ask_when(campaign_id: int) -> Any:
    """Ask for another time."""
    campaign = found(campaign_id)
    at = campaign.starts_at and campaign.starts_at.astimezone(home_zone())
    return _planned(Form(at=f"{at:%Y-%m-%dT%H:%M}" if at else ""), campaign)


@blueprint.post("/plan")
@right("campaigns.steer")
def move(campaign_id: int) -> Any:
    """Move a scheduled campaign to another time."""
    form, campaign = Form("at"), found(campaign_id)
    if is_planned(campaign):
        with form.check("at"):
            confirmed_places.require_here(database())
            keep_plan(connection(), campaign, Plan(at=form["at"] or "no time"))
            approvers = ids_with(connection(), "campaigns.approve")
            schedule(connection(), settings(), campaign_id, who=person().name, approvers=approvers)
    if form.errors or not is_planned(campaign):
        return _planned(form, campaign)
    return shown(campaign, f"It is moved to {in_words(found(campaign_id))['the time']}.")


@blueprint.post("/unschedule")
@right("campaigns.steer")
def unschedule(campaign_id: int) -> Any:
    """Make a scheduled campaign a draft again."""
    form, campaign = Form(), found(campaign_id)
    with form.check("at"):
        make_draft(connection(), campaign_id, who=person().name)
    if form.errors:
        return _planned(form, campaign)
    return shown(campaign, "It is a draft again, and is not sent until somebody schedules or sends it.")


@blueprint.get("/correct")
@right("campaigns.steer")
def ask_to_correct(campaign_id: int) -> Any:
    """Ask for the text that is shown above the mail."""
    campaign = found(campaign_id)
    form = Form(text=follow_ups.correction_of(connection(), campaign_id))
    return _question(form, "correct", campaign, "sending", "paused", "finished", "cancelled")


@blueprint.post("/correct")
@right("campaigns.steer")
def correct(campaign_id: int) -> Any:
    """Show a text above the mail for everybody who views it in a browser; an empty one takes it away."""
    form, campaign = Form("text"), found(campaign_id)
    with form.check("text"):
        follow_ups.correct(connection(), campaign_id, form["text"])
    if form.errors:
        return _question(form, "correct", campaign)
    message = "The correction is shown above the mail now." if form["text"] else "There is no correction any more."
    return shown(campaign, message)


@blueprint.post("/archive")
@right("campaigns.steer")
def archive(campaign_id: int) -> Any:
    """Leave a campaign out of its list's past bulletins, or show it there again."""
    campaign, left_out = found(campaign_id), request.form.get("left_out") == "yes"
    leave_out(connection(), campaign_id, left_out=left_out)
    note(f"campaign {campaign_id}", archive="left out" if left_out else "shown")
    message = "It leaves the past bulletins within five minutes." if left_out else "It is a past bulletin again."
    return shown(campaign, message)


def _question(form: Form, name: str, campaign: CampaignRecord, *states: str) -> Any:
    """Return the page that asks; on a GET, a campaign in no such state leads back to its page."""
    if request.method == "GET" and campaign.state not in states:
        return shown(campaign, f"“{campaign.name}” is {campaign.state} now, so that can’t be done.")
    return form.page(
        f"desk/campaigns/{name}.html", campaign=campaign, ledger=campaign_status(connection(), campaign.id).ledger,
        not_mailed=steering.count_not_mailed(connection(), campaign) if name == "cancel" else None,
    )  # fmt: skip


def _planned(form: Form, campaign: CampaignRecord) -> Any:
    if not is_planned(campaign) and not form.errors:
        return shown(campaign, f"“{campaign.name}” is {campaign.state}, so it can’t be moved.")
    return form.page("desk/campaigns/plan.html", campaign=campaign)
