"""Settings: what the doctor finds, the DNS records to publish, and where each setting comes from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, render_template

from daisychain.operations.examination import ask_doctor, last_examination
from daisychain.settings import describe_settings
from desk.access import connection, right, tell_at
from sender.providers.sendgrid_setup import SetupFinding

blueprint = Blueprint("settings", __name__, url_prefix="/settings")
WANTED = re.compile(r"^\s*wanted: (\S+) ([A-Z]+) (.+)\n?", re.MULTILINE)
# Of these only the provider knows the whole: a key, a number, a name.
UNFINISHED = re.compile(r"…|u1234567|your mail server|^(url1234|selector)\.")


@dataclass(frozen=True)
class DnsRecord:
    """A record to set in the domain's DNS; `example` says that only the provider knows the whole of it."""

    name: str
    type: str
    value: str
    example: bool


@dataclass(frozen=True)
class ShownFinding:
    """A finding of the doctor: its text, and the DNS records that are wanted, if any, to copy."""

    finding: SetupFinding
    words: str
    records: list[DnsRecord]


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
    return tell_at("settings.index", "The doctor is looking. This takes up to a minute.")


def _shown(finding: SetupFinding) -> ShownFinding:
    records = [_record(*wanted) for wanted in WANTED.findall(finding.words)]
    return ShownFinding(finding, WANTED.sub("", finding.words).strip(), records)


def _record(name: str, type_: str, text: str) -> DnsRecord:
    quoted = re.match(r'"([^"]*)"$', text)  # a form of a DNS provider wants a TXT without the quotes of a zone file
    example = UNFINISHED.search(f"{name} {text}") is not None
    return DnsRecord(name, type_, quoted[1] if quoted else text, example)
