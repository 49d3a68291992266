"""The people of a campaign: by state, as a file, and what happened to one of them. Addresses are in no URL."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from io import TextIOWrapper
from typing import IO, Any, cast, get_args

from flask import Blueprint, Response, request

from desk.access import connection, note, right
from desk.campaigns.progress import found
from desk.forms import Form, asked_number
from sender.campaigns import people_by_state
from sender.campaigns.campaign_record import CampaignRecord
from sender.campaigns.person_answer import did_they_get_it
from sender.campaigns.status import campaign_status
from sender.tables import State

blueprint = Blueprint("campaign_people", __name__, url_prefix="/campaigns/<int:campaign_id>")
PAGE = 50


@blueprint.get("/people")
@right("people.see")
def index(campaign_id: int) -> Any:
    """List the people in one state, or all of them."""
    return _page(Form(), found(campaign_id), _state(request.args.get("state", "")))


@blueprint.post("/who")
@right("people.see")
def who(campaign_id: int) -> Any:
    """Answer whether somebody got it, and why not."""
    form, campaign, answer = Form("email"), found(campaign_id), None
    with form.check("email"):
        answer = did_they_get_it(connection(), campaign_id, form["email"])
    return form.page("desk/campaigns/who.html", campaign=campaign, answer=answer)


@blueprint.post("/ledger.csv")
@right("people.export", fresh=True)
def download(campaign_id: int) -> Any:
    """Return everybody with state, reason and last attempt as CSV; the audit log keeps who asked, and why."""
    campaign, state, form = found(campaign_id), _state(request.form.get("state", "")), Form("because")
    if not form["because"]:
        form.errors["because"] = "Say why: the audit log keeps it."
        return _page(form, campaign, state)
    note(people=state or "all", because=form["because"][:200])
    # On disk, as a million people are too many for memory, and the transaction ends before the answer leaves.
    file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by _pieces
    text = TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
    people_by_state.write_csv(people_by_state.people(connection(), campaign_id, state), text)
    text.detach()
    name = f"campaign-{campaign.id}{f'-{state}' if state else ''}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(_pieces(file), mimetype="text/csv", headers=headers)


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        file.seek(0)
        while piece := file.read(256 * 1024):
            yield piece


def _state(text: str) -> State | None:
    return cast(State, text) if text in get_args(State) else None


def _page(form: Form, campaign: CampaignRecord, state: State | None) -> Any:
    ledger = campaign_status(connection(), campaign.id).ledger
    page = people_by_state.PeoplePage([], None)
    if state is None or getattr(ledger, state):
        after = asked_number("after") or 0
        page = people_by_state.people_page(connection(), campaign.id, state, after=after, at_most=PAGE)
    return form.page(
        "desk/campaigns/people.html", campaign=campaign, ledger=ledger, state=state, states=get_args(State), page=page
    )
