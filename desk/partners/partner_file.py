"""Import of the coalition's own file of organisations: what it would do is shown first, then it is done."""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for

from daisychain.errors import InputError
from desk.access import connection, leave_no_line, note, person, right
from desk.forms import Form, chosen_file
from partners.partner_import import import_bytes

blueprint = Blueprint("partner_file", __name__, url_prefix="/partners/import")
# The file comes back with the second step, in a field of its form, so it is smaller than a form may be.
LARGEST = 1024 * 1024


@blueprint.get("")
@right("partners.manage")
def ask() -> Any:
    """Ask for the file."""
    return render_template("desk/partners/import.html", form=Form())


@blueprint.post("/look")
@right("partners.manage")
def look() -> Any:
    """Show what importing the file would do."""
    leave_no_line()
    form, result = Form(), None
    with form.check("file"):
        name, content = chosen_file("file", LARGEST, "No file was chosen.")
        if len(content) > LARGEST:
            raise InputError("The file is larger than 1 MB.", hint="Cut it in pieces, or ask for an import by command.")
        form.values |= {"name": name, "content": b64encode(content).decode()}
        result = import_bytes(connection(), content, name, person().name, dry_run=True)
    return form.page("desk/partners/import.html", result=result)


@blueprint.post("")
@right("partners.manage")
def take() -> Any:
    """Import the file that was looked at."""
    form, result = Form("name", "content"), None
    with form.check("file"):
        try:
            content = b64decode(form["content"], validate=True)
        except ValueError:
            raise InputError("The file did not arrive whole.", hint="Choose it again.") from None
        result = import_bytes(connection(), content, form["name"], person().name)
    if result is None:
        return form.page("desk/partners/import.html")
    counts = result.counts
    note(form["name"], added=counts["added"], updated=counts["updated"], refused=len(result.refused))
    flash(f"Imported: {counts['added']:,} added, {counts['updated']:,} updated, {counts['unchanged']:,} unchanged.")
    return redirect(url_for("partners.index"))
