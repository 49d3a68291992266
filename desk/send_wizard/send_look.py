"""The send wizard's last page: look and send. The button says the number, and works once."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, redirect, url_for

from accounts.staff import ids_with, names_with
from daisychain.database import database_now, may_wait
from daisychain.errors import StateError
from daisychain.web.row_numbers import row_number
from desk.access import connection, database, note, person, right, settings
from desk.forms import Form
from desk.newsletters.opened import draft_of, opened
from desk.send_wizard.wizard_page import seen_content, signed, wizard_page
from lists.list_people import open_people
from lists.overview import excluded_by
from newsletters.stored.manuscripts import origin_of
from newsletters.stored.newsletters import SavedNewsletter
from sender.campaigns import approvals
from sender.campaigns.campaign_record import CampaignRecord, UnknownCampaign, find_campaign
from sender.campaigns.drafts import links_of
from sender.delivery import confirmed_places
from sender.launching.launch import MovedError, launch
from sender.launching.repeats import find_repeats
from sender.launching.summary import summarise
from sender.providers.open_provider import open_provider

blueprint = Blueprint("send_look", __name__, url_prefix="/newsletters/<int:newsletter_id>/send")


@blueprint.get("/look")
@right("campaigns.prepare")
def look(newsletter_id: int) -> Any:
    """Show everything once more, and the button."""
    newsletter = opened(newsletter_id)
    return _page(newsletter, draft_of(newsletter), Form(), [])


@blueprint.post("/go")
@right("campaigns.send", fresh=True)
def go(newsletter_id: int) -> Any:
    """Send or schedule it once; if something has moved since the page was shown, show it again with that."""
    newsletter, form = opened(newsletter_id), Form("campaign", "seen", "repeats")
    try:
        campaign = find_campaign(connection(), row_number(form["campaign"]) or 0)
    except UnknownCampaign:  # another draft has taken its place
        campaign = draft_of(newsletter)
    if campaign.document != origin_of(newsletter.name):
        abort(404)
    if campaign.state != "draft":
        return _started(campaign, already=True)
    changes: list[str] = []
    with form.check("send"):
        try:
            _refuse_repeats(campaign, form)
            content, people = seen_content(form["seen"])
            _try_provider(campaign)
            done = launch(
                connection(), settings(), campaign.id, seen=content, people=people, who=person().name,
                approvers=ids_with(connection(), "campaigns.approve"),
            )  # fmt: skip
            note(campaign=campaign.id, people=people, at=str(campaign.starts_at or "now"))
        except MovedError as error:
            changes = error.changes
            raise
    if form.errors:
        if campaign.list_name is None:
            flash(form.errors["send"])
        return _page(newsletter, draft_of(newsletter), form, changes)
    return _started(done.campaign, already=done.already)


def _try_provider(campaign: CampaignRecord) -> None:
    """Raise an error if the provider would refuse this, before anybody is written down."""
    confirmed_places.require_here(database())
    opened_provider = open_provider(campaign.provider, settings())
    opened_provider.check(campaign.from_address, links_of(connection(), campaign.id))
    may_wait(connection())
    opened_provider.reach()


def _refuse_repeats(campaign: CampaignRecord, form: Form) -> None:
    found = find_repeats(connection(), campaign, campaign.starts_at or database_now(connection()))
    if found and not form["repeats"]:
        raise StateError(f"Some people get this twice: {found[0].text}.", hint="Say that this is meant.")


def _started(campaign: CampaignRecord, *, already: bool) -> Any:
    """Lead to its progress; the press of a second button mails nobody twice."""
    if already:
        flash(f"“{campaign.name}” was started before your press. Nobody is mailed twice.")
    else:
        flash("It is scheduled." if campaign.starts_at else "It is on its way.")
    return redirect(url_for("campaigns.show", campaign_id=campaign.id))


def _page(newsletter: SavedNewsletter, draft: CampaignRecord, form: Form, changes: list[str]) -> Any:
    assert draft.list_name is not None
    summary = summarise(connection(), settings(), draft, draft.starts_at or database_now(connection()))
    form.values["seen"] = signed(approvals.content_of(connection(), draft), summary.people)
    approvers = ids_with(connection(), "campaigns.approve")
    return wizard_page(
        form, "look", newsletter, draft, summary=summary, changes=changes,
        why=excluded_by(connection(), draft.list_name), basis=open_people(connection(), draft.list_name).basis(),
        missing=approvals.need_approval(connection(), settings(), draft, approvers, summary.people),
        may_send=person().may("campaigns.send"), senders=names_with(connection(), "campaigns.send"),
    )  # fmt: skip
