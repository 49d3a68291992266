"""Settings: what the doctor finds, the DNS records to publish, and where each setting comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for

from daisychain.operations.examination import ask_doctor, last_examination
from daisychain.settings import describe_settings
from desk.access import connection, right
from sender.providers.sendgrid_setup import SetupFinding

blueprint = Blueprint("settings", __name__, url_prefix="/settings")
WANTED = "\nwanted: "


@dataclass(frozen=True)
class ShownFinding:
    """A finding of the doctor: its text, and the DNS record that is wanted, if any, to copy."""

    finding: SetupFinding
    words: str
    wanted: str


@blueprint.get("")
@right("settings.see")
def index() -> Any:
    """Show the doctor's findings, what is wrong first, and the settings without secrets."""
    found = last_examination(connection())
    order = ("wrong", "missing", "not known", "good")
    ordered = sorted(map(_shown, found.findings), key=lambda each: order.index(each.finding.state))
    return render_template("desk/settings.html", examined=found, findings=ordered, settings=describe_settings())


@blueprint.post("/examine")
@right("settings.see")
def examine() -> Any:
    """Ask the doctor to look again."""
    ask_doctor(connection())
    flash("The doctor is looking. This takes up to a minute.")
    return redirect(url_for("settings.index"))


def _shown(finding: SetupFinding) -> ShownFinding:
    words, _, wanted = f"\n{finding.words}".partition(WANTED)
    return ShownFinding(finding, words.strip(), wanted if finding.subject.startswith("DNS ") else "")
