"""Every page of the desk that is opened by its address, with numbers and names of things that are there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

from flask import Flask, url_for

from desk.access import access_of

# What a page also shows by the query of its address; each is a page of its own here.
QUERIES: dict[str, list[dict[str, str | list[str]]]] = {
    "campaign_people.index": [{}, *({"state": state} for state in ("accepted", "failed", "uncertain", "excluded"))],
    "campaigns.index": [{}, {"before": "20"}],
    "newsletters.index": [{}, {"words": "bulletin"}],
    "reports.index": [{}, {"before": "20"}],
    "report_compare.show": [{}, {"campaign": ["1", "2"]}],
    "audit.index": [{}, {"who": "priya"}, {"object": "bulletin-2"}, {"outcome": "refused"}, {"action": "no such"}],
    "partners.index": [{}, {"stale": "1"}, {"words": "bees", "has_not": "may"}],
    "preview.look": [{"list": "everybody"}, {"list": "everybody", "look": "text"}],
    "preview.frame": [{"list": "everybody"}],
    "preview.checks": [{"list": "everybody"}],
    "send_check.checks": [{"list": "everybody"}],
}


@dataclass(frozen=True)
class There:
    """The things that pages are about: an argument's value by its name, or by page and name if pages differ."""

    values: dict[str, object]
    of_page: dict[str, dict[str, object]] = field(default_factory=dict)


class PagePath(NamedTuple):
    """A page, and an address of it."""

    endpoint: str
    path: str


def every_page(app: Flask, there: There) -> Iterator[PagePath]:
    """Yield each page that a GET opens; an address with an argument of a new name fails, and says so."""
    with app.test_request_context():
        for rule in app.url_map.iter_rules():
            if "GET" not in (rule.methods or ()) or rule.endpoint == "static":
                continue
            known = {**there.values, **there.of_page.get(rule.endpoint, {})}
            assert rule.arguments <= known.keys(), f"give {rule.endpoint} its arguments here: {rule.arguments}"
            assert access_of(rule.endpoint) is not None, rule.endpoint
            path = urlsplit(url_for(rule.endpoint, **{name: known[name] for name in rule.arguments})).path
            for query in QUERIES.get(rule.endpoint, [{}]):
                yield PagePath(rule.endpoint, f"{path}?{urlencode(query, doseq=True)}" if query else path)
