"""Uncertain people of a campaign: what is known, and the decision of a person, with its reason."""

from __future__ import annotations

from typing import Any, cast, get_args

from flask import Blueprint

from desk.access import connection, database, note, person, right, settings, tell_at
from desk.campaigns.progress import found, shown
from desk.campaigns.steering import NEEDS_REASON
from desk.forms import Form
from sender.campaigns.campaign_record import CampaignRecord
from sender.campaigns.evidence import read_evidence
from sender.campaigns.resolve import Decision, resolve
from sender.events.provider_log import look_up

blueprint = Blueprint("uncertain", __name__, url_prefix="/campaigns/<int:campaign_id>/uncertain")


@blueprint.get("")
@right("campaigns.see")
def show(campaign_id: int) -> Any:
    """Show what is known about them."""
    return _page(Form(), found(campaign_id))


@blueprint.post("/look-up")
@right("campaigns.decide")
def search_log(campaign_id: int) -> Any:
    """Search the provider's log; what it shows as accepted is settled."""
    found(campaign_id)
    people = look_up(database(), campaign_id)
    said = f"The provider’s log shows that {people:,} people were accepted." if people else "The log shows nothing new."
    return tell_at("uncertain.show", said, campaign_id=campaign_id)


@blueprint.post("")
@right("campaigns.decide", fresh=True)
def decide(campaign_id: int) -> Any:
    """Count them as accepted, or mail them again."""
    form, campaign, people = Form("decision", "because"), found(campaign_id), 0
    if form["decision"] not in get_args(Decision):
        form.errors["decision"] = "Choose one."
    if not form["because"]:
        form.errors["because"] = NEEDS_REASON
    if not form.errors:
        note(decision=form["decision"])
        with form.check("because"):
            decision = cast(Decision, form["decision"])
            people = resolve(connection(), campaign_id, decision, who=person().name, because=form["because"])
    if form.errors:
        return _page(form, campaign)
    again = form["decision"] == "send-again"
    return shown(campaign, f"{people:,} people are {'mailed again' if again else 'counted as accepted'}.")


def _page(form: Form, campaign: CampaignRecord) -> Any:
    return form.page(
        "desk/campaigns/uncertain.html", campaign=campaign,
        evidence=read_evidence(connection(), settings(), campaign.id),
    )  # fmt: skip
