"""Publish a toolkit's draft, look at its versions, and go back to one."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, url_for

from desk.access import connection, person, right
from desk.forms import Form
from desk.toolkits.opened_toolkit import asked_version, at_field, done, opened_toolkit
from newsletters.toolkit_drafts.publishing import (
    go_back,
    list_draft_versions,
    publish,
    unapproved,
    version_changes,
    version_toolkit,
)
from newsletters.toolkit_drafts.working_copy import WorkingCopy

blueprint = Blueprint("toolkit_publish", __name__, url_prefix="/toolkits/<toolkit>")
MOST_SHOWN = 60


@blueprint.get("/publish")
@right("toolkits.write")
def ask(toolkit: str) -> Any:
    """Show what differs from what is published."""
    return _page(opened_toolkit(toolkit), Form())


@blueprint.post("/publish")
@right("toolkits.write")
def put_out(toolkit: str) -> Any:
    """Publish the draft."""
    draft, form = opened_toolkit(toolkit), Form()
    with at_field(form, "publish"):
        who = person()
        made = publish(connection(), toolkit, asked_version(draft), who=who.name, may_lift=who.may("accounts.manage"))
        said = "Published. Its page, and newsletters that are made from now on, have it."
        return done(said, url_for("toolkit_copy.index", toolkit=toolkit), made)
    return _page(draft, form)


@blueprint.get("/versions")
@right("toolkits.write")
def versions(toolkit: str) -> Any:
    """List the versions, the newest first."""
    draft = opened_toolkit(toolkit)
    found = list_draft_versions(connection(), toolkit)
    return render_template(
        "desk/toolkits/versions.html", draft=draft, versions=found[:MOST_SHOWN], more=len(found) > MOST_SHOWN
    )


@blueprint.get("/versions/<int:version_id>")
@right("toolkits.write")
def look(toolkit: str, version_id: int) -> Any:
    """Show what a version differs in from the draft of now."""
    draft = opened_toolkit(toolkit)
    then = version_toolkit(connection(), toolkit, version_id)
    row = next(each for each in list_draft_versions(connection(), toolkit) if each.id == version_id)
    changes = version_changes(draft.toolkit, then)
    return render_template("desk/toolkits/version.html", draft=draft, version=row, changes=changes)


@blueprint.post("/versions/<int:version_id>/again")
@right("toolkits.write")
def again(toolkit: str, version_id: int) -> Any:
    """Make an earlier version the draft again."""
    made = go_back(connection(), toolkit, asked_version(opened_toolkit(toolkit)), version_id, who=person().name)
    said = "It is the draft now. Publish it to give it to everybody."
    return done(said, url_for("toolkit_publish.ask", toolkit=toolkit), made)


def _page(draft: WorkingCopy, form: Form) -> Any:
    changes = version_changes(draft.published, draft.toolkit)
    return form.page("desk/toolkits/publish.html", draft=draft, changes=changes, waiting=unapproved(draft))
