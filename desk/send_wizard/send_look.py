"""The send wizard's last pages: when, and look and send. The button says the number, and works once."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, render_template, request

from accounts.staff import colleagues_with, names_with
from daisychain.database import database_now, may_wait
from daisychain.errors import StateError
from desk.access import connection, database, note, person, right, settings
from desk.forms import Form
from desk.newsletters.opened import draft_of, opened
from desk.send_wizard.seen import seen_content, signed
from lists.list_people import open_people
from lists.overview import excluded_by
from newsletters.stored.manuscripts import origin_of
from newsletters.stored.newsletters import SavedNewsletter
from newsletters.stored.versions import versions
from sender.campaigns.campaign_record import CampaignRecord, find_campaign
from sender.campaigns.drafts import links_of
from sender.campaigns.plans import Plan
from sender.campaigns.summary import summarise
from sender.delivery import confirmed_places
from sender.launching import approvals
from sender.launching.launch import MovedError, launch
from sender.providers.registry import open_provider

blueprint = Blueprint("send_look", __name__, url_prefix="/newsletters/<int:newsletter_id>/send")
# From so many people on, a few get it first, unless the sender decides otherwise.
CANARY_FROM, CANARY = 500, 100


@blueprint.get("/when")
@right("campaigns.prepare")
def when(newsletter_id: int) -> Any:
    """Ask whether now or at a time, and whether a few get it first."""
    newsletter = opened(newsletter_id)
    people = approvals.count_people(connection(), draft_of(newsletter))
    canary = request.args.get("canary", str(CANARY) if people > CANARY_FROM else "")
    given = {name: request.args.get(name, "") for name in ("at", "between", "per_minute")}
    return _when(newsletter, Form(**given, canary=canary, wait=request.args.get("wait", "30m")), people)


@blueprint.get("/look")
@right("campaigns.prepare")
def look(newsletter_id: int) -> Any:
    """Show everything once more, and the button."""
    newsletter, form = opened(newsletter_id), Form(**request.args.to_dict())
    draft = draft_of(newsletter)
    with form.check("at"):
        _plan(form).columns(database_now(connection()))
    if form.errors:
        return _when(newsletter, form, approvals.count_people(connection(), draft))
    return _page(newsletter, draft, form, [])


@blueprint.post("/go")
@right("campaigns.send", fresh=True)
def go(newsletter_id: int) -> Any:
    """Send or schedule it once; if something has moved since the page was shown, show it again with that."""
    newsletter = opened(newsletter_id)
    form = Form("campaign", "seen", "at", "canary", "wait", "between", "per_minute", "repeats")
    campaign = find_campaign(connection(), int(form["campaign"] if form["campaign"].isdecimal() else 0))
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
                connection(), settings(), campaign.id, _plan(form), seen=content, people=people, who=person().name,
                approvers={each.id for each in colleagues_with(connection(), "campaigns.approve")},
            )  # fmt: skip
            note(campaign=campaign.id, people=people, at=form["at"] or "now")
        except MovedError as error:
            changes = error.changes
            raise
    if form.errors:
        return _page(newsletter, campaign, form, changes)
    return _started(done.campaign, already=done.already)


def _plan(form: Form) -> Plan:
    canary = int(form["canary"]) if form["canary"].isdecimal() else None
    return Plan(
        at=form["at"].replace("T", " ") or None, canary=canary or None, wait=(form["wait"] or None) if canary else None,
        between=form["between"] or None,
        per_minute=int(form["per_minute"]) if form["per_minute"].isdecimal() else None,
    )  # fmt: skip


def _try_provider(campaign: CampaignRecord) -> None:
    """Raise an error if the provider would refuse this, before anybody is written down."""
    confirmed_places.require_here(database())
    opened_provider = open_provider(campaign.provider, settings())
    opened_provider.check(campaign.from_address, links_of(connection(), campaign.id))
    may_wait(connection())
    opened_provider.reach()


def _refuse_repeats(campaign: CampaignRecord, form: Form) -> None:
    found = summarise(connection(), settings(), campaign, database_now(connection())).repeats
    if found and not form["repeats"]:
        raise StateError(f"Some people get this twice: {found[0].text}.", hint="Say that this is meant.")


def _started(campaign: CampaignRecord, *, already: bool) -> Any:
    """Show that it is under way; the press of a second button mails nobody twice."""
    if already:
        flash("This was started before your press. Nobody is mailed twice.")
    return render_template("desk/newsletters/send/started.html", campaign=campaign)


def _when(newsletter: SavedNewsletter, form: Form, people: int) -> Any:
    return form.page("desk/newsletters/send/when.html", newsletter=newsletter, people=people, preset=CANARY_FROM)


def _page(newsletter: SavedNewsletter, draft: CampaignRecord, form: Form, changes: list[str]) -> Any:
    assert draft.list_name is not None
    summary = summarise(connection(), settings(), draft, database_now(connection()))
    form.values["seen"] = signed(approvals.content_of(connection(), draft), summary.people)
    approvers = {each.id for each in colleagues_with(connection(), "campaigns.approve")}
    made = next((each for each in versions(connection(), newsletter.id) if each.version == newsletter.version), None)
    return form.page(
        "desk/newsletters/send/look.html", newsletter=newsletter, draft=draft, summary=summary, changes=changes,
        why=excluded_by(connection(), draft.list_name), basis=open_people(connection(), draft.list_name).basis(),
        tested=made is not None and made.kind in ("tested", "sent"),
        missing=approvals.need_approval(connection(), settings(), draft, approvers),
        kept=approvals.latest(connection(), draft.id), may_send=person().may("campaigns.send"),
        senders=names_with(connection(), "campaigns.send"),
    )  # fmt: skip
