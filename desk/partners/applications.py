"""Applications: organisations that asked to join, for staff to accept or decline."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for

from desk.access import connection, note, person, right, tell_at
from partners.applications import accept_application, decline_application, waiting_applications

blueprint = Blueprint("applications", __name__, url_prefix="/partners/applications")


@blueprint.get("")
@right("partners.manage")
def index() -> Any:
    """Show the applications that wait."""
    return render_template("desk/partners/applications.html", applications=waiting_applications(connection()))


@blueprint.post("/<int:application_id>/accept")
@right("partners.manage")
def accept(application_id: int) -> Any:
    """Make an organisation of an application, or add its contact to the one of that name."""
    organisation = accept_application(connection(), application_id, person().name)
    note(organisation.code, application=application_id)
    flash(f"{organisation.name} is a member organisation, with its contact. Its code is {organisation.code}.")
    return redirect(url_for("partners.show", organisation_id=organisation.id))


@blueprint.post("/<int:application_id>/decline")
@right("partners.manage")
def decline(application_id: int) -> Any:
    """Decline an application; nobody is mailed."""
    name = decline_application(connection(), application_id, person().name)
    note(f"application {application_id}")
    return tell_at("applications.index", f"The application of {name} is declined. Nobody was written to.")
