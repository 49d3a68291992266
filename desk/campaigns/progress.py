"""Campaigns: the list of all, and one with its progress, what happened, and what came back; anybody may pause it."""

from __future__ import annotations

from functools import partial
from time import monotonic
from typing import Any

from flask import Blueprint, abort, render_template, request

from daisychain.cache import Cache
from desk.access import connection, database, note, person, right, tell_at
from desk.forms import Form, asked_number
from desk.live import live_answer
from reports.progress import CampaignProgress, read_progress
from sender.campaigns import steering
from sender.campaigns.campaign_record import CampaignRecord, UnknownCampaign, find_campaign, list_campaigns
from sender.campaigns.plans import is_planned
from sender.reader_pages.past_bulletins import in_archive

blueprint = Blueprint("campaigns", __name__, url_prefix="/campaigns")
PAGE = 50
# The progress of campaigns that are followed, by database, number and second.
LATELY: Cache[CampaignProgress] = Cache(50)


@blueprint.get("")
@right("campaigns.see")
def index() -> Any:
    """List campaigns, the newest first."""
    before = asked_number("before")
    rows = list_campaigns(connection(), before=before, at_most=PAGE + 1)
    older = rows[PAGE - 1].id if len(rows) > PAGE else None
    return render_template("desk/campaigns/index.html", rows=rows[:PAGE], older=older, before=before)


@blueprint.get("/<int:campaign_id>")
@right("campaigns.see")
def show(campaign_id: int) -> Any:
    """Show a campaign's progress."""
    return _page(Form(), found(campaign_id))


@blueprint.get("/<int:campaign_id>/live")
@right("campaigns.see")
def live(campaign_id: int) -> Any:
    """Show what has changed of a campaign's progress."""
    # Read once a second at most, whoever asks.
    campaign = found(campaign_id)
    read = partial(read_progress, connection(), campaign_id)
    progress = LATELY.get((database(), campaign_id, int(monotonic())), read)
    page = partial(_page, Form(), campaign, progress, layout="desk/live.html")
    return live_answer(progress.version, progress.ask_again, page)


@blueprint.post("/<int:campaign_id>/pause")
@right("campaigns.pause")
def pause(campaign_id: int) -> Any:
    """Pause a campaign at once; nobody is asked first, as it can go on."""
    form, campaign = Form("because"), found(campaign_id)
    with form.check("because"):
        steering.pause(connection(), campaign_id, who=person().name, because=form["because"])
    if form.errors:
        return _page(form, campaign)
    return shown(campaign, "Paused: nobody else is mailed. Requests that are under way come to their end.")


def found(campaign_id: int) -> CampaignRecord:
    """Return a campaign, and name it in the audit log; 404 if there is none, or it is a test send."""
    try:
        campaign = find_campaign(connection(), campaign_id)
    except UnknownCampaign:
        abort(404)
    if campaign.is_test:
        abort(404)
    if request.method == "POST":
        note(f"campaign {campaign.id}: {campaign.name}", state=campaign.state)
    return campaign


def shown(campaign: CampaignRecord, message: str) -> Any:
    """Lead to a campaign's page, with a message."""
    return tell_at("campaigns.show", message, campaign_id=campaign.id)


def _page(form: Form, campaign: CampaignRecord, progress: CampaignProgress | None = None, layout: str = "") -> Any:
    progress = progress or read_progress(connection(), campaign.id)
    return form.page(
        "desk/campaigns/show.html", progress=progress, campaign=progress.status.campaign, planned=is_planned(campaign),
        layout=layout, archived=in_archive(connection(), campaign.id),
    )  # fmt: skip
