"""The audit log, to look through and to take away."""

from __future__ import annotations

import csv
import io
from datetime import date
from typing import Any

from flask import Blueprint, Response, render_template, request

from accounts.audit import AuditFilter, audit_page, read_audit
from daisychain.csv_cells import guarded
from desk.access import connection, right
from desk.forms import asked_number

blueprint = Blueprint("audit", __name__, url_prefix="/audit")


@blueprint.get("")
@right("audit.read")
def index() -> Any:
    """Show the newest lines that fit."""
    asked = _asked()
    page = audit_page(connection(), asked)
    return render_template("desk/audit.html", lines=page.lines, asked=asked, older=page.older)


@blueprint.get("/audit.csv")
@right("audit.read")
def download() -> Response:
    """Return the lines that fit as CSV."""
    written = io.StringIO()
    out = csv.writer(written)
    out.writerow(COLUMNS)
    for line in read_audit(connection(), _asked(), at_most=100_000):
        out.writerow(guarded(str(getattr(line, name)) for name in COLUMNS))
    headers = {"Content-Disposition": 'attachment; filename="audit.csv"'}
    return Response(written.getvalue(), mimetype="text/csv", headers=headers)


COLUMNS = ("id", "at", "who", "role", "network", "right", "action", "object", "outcome", "details")


def _asked() -> AuditFilter:
    """Read the filter from the address; what is no date or number is left out."""
    given = request.args.get
    since = given("since", type=date.fromisoformat)
    texts = {name: given(name, "") for name in ("who", "object", "action", "outcome")}
    return AuditFilter(**texts, since=since, before=asked_number("before"))
