"""The send wizard's first two pages: who gets it, and the checks, which make the draft."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, request, url_for

from daisychain.errors import InputError, StateError
from desk.access import connection, note, person, right, settings, tell_at
from desk.forms import Form
from desk.newsletters.opened import manuscript_of_saved, opened
from desk.send_wizard.send_when import preset
from desk.send_wizard.wizard_page import wizard_page
from lists.list_people import ListPeople, open_people
from lists.overview import excluded_of_all, overview_of_all
from lists.segments.saved_segments import find_segment, segments_by_list
from newsletters.checks import Finding, check_file
from newsletters.stored.manuscripts import origin_of
from newsletters.stored.newsletters import SavedNewsletter
from newsletters.toolkit_store.store import find_toolkit
from sender.campaigns.approvals import carry_over, count_people
from sender.campaigns.campaign_record import AS_IN_DRAFT, CampaignRecord, find_campaign
from sender.campaigns.drafts import create
from sender.campaigns.overrides import ChecksFailedError, overrides_of, read_overrides
from sender.campaigns.unsent import delete_draft
from sender.launching.launch import find_draft
from sender.launching.schedule import keep_plan

blueprint = Blueprint("send_check", __name__, url_prefix="/newsletters/<int:newsletter_id>/send")


@blueprint.get("/list")
@right("campaigns.prepare")
def who_gets_it(newsletter_id: int) -> Any:
    """Ask who gets it: each list with how many may be mailed, and how many are excluded by reason."""
    newsletter = opened(newsletter_id)
    draft = find_draft(connection(), origin_of(newsletter.name))
    lists = overview_of_all(connection())
    segments = segments_by_list(connection())
    chosen = draft.list_name or "" if draft else lists[0]["name"] if len(lists) == 1 else ""
    named = [each.name for each in segments.get(chosen, ()) if draft and each.text == draft.segment]
    if draft and draft.segment:
        chosen = f"{chosen}/{named[0] if named else AS_IN_DRAFT}"
    return wizard_page(
        Form(), "list", newsletter, draft, lists=lists, why=excluded_of_all(connection()), picked=chosen,
        segments=segments, unnamed=draft.segment if draft and not named else "",
    )  # fmt: skip


@blueprint.get("/checks")
@right("campaigns.prepare")
def checks(newsletter_id: int) -> Any:
    """Show what stops the send for this list, and what to look at."""
    newsletter = opened(newsletter_id)
    people = _people(request.args.get("list", ""))
    form = Form()
    if people is None:
        return redirect(url_for("send_check.who_gets_it", newsletter_id=newsletter.id))
    draft = find_draft(connection(), origin_of(newsletter.name))
    if draft:
        form.values |= {f"because-{each.code}": each.because for each in overrides_of(connection(), draft.id)}
    return _page(newsletter, people, form)


@blueprint.post("/checks")
@right("campaigns.prepare")
def make_draft(newsletter_id: int) -> Any:
    """Make the draft, in place of an earlier one, with the reasons for errors that are accepted."""
    newsletter = opened(newsletter_id)
    people = _people(request.form.get("list", ""))
    if people is None:
        return redirect(url_for("send_check.who_gets_it", newsletter_id=newsletter.id))
    names = [name for name in request.form if name.startswith("because-")]
    form = Form(*names)
    with form.check("checks"):
        if not people.count():
            raise StateError(f"Nobody on {people.name} may be mailed.", hint="Choose another list.")
        given = [f"{name.removeprefix('because-')}={form[name]}" for name in names if form[name]]
        old = find_draft(connection(), origin_of(newsletter.name))
        try:
            made = create(
                connection(), settings(), origin_of(newsletter.name), list_name=people.name,
                provider=settings().provider, name=newsletter.title, overrides=read_overrides(given, person().name),
                segment=_segment(old),
            )  # fmt: skip
        except ChecksFailedError:
            raise InputError("Some errors are neither fixed nor accepted.", hint="Each is below.") from None
        if old:
            carry_over(connection(), old, made.id)
            delete_draft(connection(), old.id)
        if old is None or (old.list_name != people.name and not old.canary):
            draft = find_campaign(connection(), made.id)
            keep_plan(connection(), draft, preset(count_people(connection(), draft)))
        note(campaign=made.id, list=people.name, accepted=len(given))
    if form.errors:
        return _page(newsletter, people, form)
    return tell_at("send_when.ask", "Checked, and kept as a draft.", newsletter_id=newsletter.id)


def _people(chosen: str) -> ListPeople | None:
    """Return the people of the list that was chosen, as NAME or NAME/SEGMENT."""
    name = chosen.partition("/")[0]
    return open_people(connection(), name) if name else None


def _segment(old: CampaignRecord | None) -> str:
    """Return the name or the question of the segment that was chosen; "" for the whole list."""
    name, _, segment = request.form["list"].partition("/")
    if segment == AS_IN_DRAFT:
        return old.segment if old and old.list_name == name else ""
    return segment and find_segment(connection(), name, segment).text


def _page(newsletter: SavedNewsletter, people: ListPeople, form: Form) -> Any:
    found: list[Finding] = []
    with form.check("checks"):
        written = manuscript_of_saved(newsletter)
        report = check_file(written, lambda name, folder: find_toolkit(name, folder, connection()), people)
        found = report.findings
    errors = [each for each in found if each.severity == "error"]
    return wizard_page(
        form, "checks", newsletter, find_draft(connection(), origin_of(newsletter.name)), people=people,
        picked=request.values["list"], firm=[each for each in errors if not each.overridable], soft=_by_code(errors),
        others=[each for each in found if each.severity != "error"],
    )  # fmt: skip


def _by_code(errors: list[Finding]) -> dict[str, list[Finding]]:
    """Return the errors that may be accepted, by code, as one reason is given for all of a kind."""
    found: dict[str, list[Finding]] = {}
    for each in errors:
        if each.overridable:
            found.setdefault(each.code, []).append(each)
    return found
