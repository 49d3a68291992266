"""The send wizard's page about time: now or later, a few first, hours and pace; kept with the draft."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, url_for

from daisychain.clock import home_zone
from daisychain.web.row_numbers import row_number
from desk.access import connection, note, right
from desk.forms import Form
from desk.newsletters.opened import draft_of, opened
from desk.send_wizard.wizard_page import wizard_page
from newsletters.stored.newsletters import SavedNewsletter
from sender.campaigns.campaign_record import CampaignRecord
from sender.campaigns.plans import Plan
from sender.launching.schedule import keep_plan

blueprint = Blueprint("send_when", __name__, url_prefix="/newsletters/<int:newsletter_id>/send/when")
# From so many people on, a few get it first, unless the sender decides otherwise.
CANARY_FROM, CANARY, WAIT = 500, 100, 30 * 60
WAITS = {15 * 60: "15 minutes", WAIT: "30 minutes", 3600: "an hour", 4 * 3600: "4 hours", 86_400: "a day"}


@blueprint.get("")
@right("campaigns.prepare")
def ask(newsletter_id: int) -> Any:
    """Ask whether now or at a time, and whether a few get it first."""
    newsletter = opened(newsletter_id)
    draft = draft_of(newsletter)
    at = draft.starts_at and draft.starts_at.astimezone(home_zone())
    hours = f"{draft.opens_at:%H:%M}-{draft.closes_at:%H:%M} {draft.zone}" if draft.opens_at else ""
    form = Form(
        at=f"{at:%Y-%m-%dT%H:%M}" if at else "", canary=str(draft.canary or ""), wait=str(draft.canary_wait or WAIT),
        between=hours, per_minute=str(draft.per_minute or ""),
    )  # fmt: skip
    return _page(form, newsletter, draft)


@blueprint.post("")
@right("campaigns.prepare")
def keep(newsletter_id: int) -> Any:
    """Keep the plan with the draft, where a colleague who approves it sees it."""
    newsletter, form = opened(newsletter_id), Form("at", "canary", "wait", "between", "per_minute")
    draft = draft_of(newsletter)
    field = "at" if form["at"] else "between"
    with form.check(field):
        draft = keep_plan(connection(), draft, _plan(form), afresh=True)
        note(campaign=draft.id, at=form["at"] or "now", first=form["canary"])
    if form.errors:
        return _page(form, newsletter, draft)
    return redirect(url_for("approve.show", newsletter_id=newsletter.id))


def preset(people: int) -> Plan:
    """Return the plan that a new draft begins with: a few first, if it is for many people."""
    return Plan(canary=CANARY, wait=f"{WAIT}s") if people > CANARY_FROM else Plan()


def _plan(form: Form) -> Plan:
    canary, wait = row_number(form["canary"]), row_number(form["wait"])
    return Plan(
        at=form["at"].replace("T", " ") or None, canary=canary or None,
        wait=f"{wait}s" if canary and wait is not None else None, between=form["between"] or None,
        per_minute=row_number(form["per_minute"]) or None,
    )  # fmt: skip


def _page(form: Form, newsletter: SavedNewsletter, draft: CampaignRecord) -> Any:
    waits = [(str(seconds), text) for seconds, text in (WAITS | {draft.canary_wait: "as it is now"} | WAITS).items()]
    return wizard_page(
        form, "when", newsletter, draft, preset=CANARY_FROM, waits=[each for each in waits if each[0] != "0"],
        zone=home_zone().key,
    )  # fmt: skip
