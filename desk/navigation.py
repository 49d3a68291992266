"""The menu: what each person may see, in the order of the work."""

from __future__ import annotations

from typing import NamedTuple

from flask import current_app, g, request, url_for

from accounts.rights import SIGNED_IN


class MenuItem(NamedTuple):
    """An entry of the menu; `endpoint` is the page that it leads to, `current` says that one is in its part."""

    label: str
    endpoint: str
    current: bool = False


# A part that is not built yet has no page, and then no entry.
_ITEMS = (
    ("Home", "home.show", SIGNED_IN),
    ("Newsletters", "newsletters.index", "newsletters.write"),
    ("Campaigns", "campaigns.index", "campaigns.see"),
    ("Lists", "lists.index", "lists.see"),
    ("Toolkits", "toolkits.index", "toolkits.write"),
    ("Partners", "partners.index", "partners.manage"),
    ("Reports", "reports.index", "figures.see"),
    ("People", "people.index", "accounts.manage"),
    ("Audit", "audit.index", "audit.read"),
    ("Settings", "settings.index", "settings.see"),
)


def menu() -> list[MenuItem]:
    """Return the entries that the person of this request may open."""
    if g.get("person") is None or not g.person.complete or g.person.lacks_factor:
        return []
    return [
        MenuItem(label, endpoint, _is_current(endpoint))
        for label, endpoint, right in _ITEMS
        if endpoint in current_app.view_functions and (right == SIGNED_IN or g.person.may(right))
    ]


def _is_current(endpoint: str) -> bool:
    """Whether the page of this request is that page, or below it; all pages are below Home."""
    path, top = f"{request.script_root}{request.path}", url_for(endpoint)
    return path == top or (endpoint != "home.show" and path.startswith(f"{top.rstrip('/')}/"))
