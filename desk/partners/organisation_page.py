"""The page of one organisation, which each of its forms comes back to."""

from __future__ import annotations

from collections.abc import Mapping

from flask import abort

from desk.access import connection, settings
from desk.forms import Form
from newsletters.packs.dialects.dialect import dialects
from newsletters.toolkits.toolkit import current_day
from partners.organisation_list import entry_of
from partners.organisation_logos import LOGO_FORMS, logo_paths
from partners.partner_events import latest_events
from partners.profile_values import FIELDS
from partners.profiles import PartnerProfile, profile_of

LABELS = {
    "name": "Name", "tool": "Tools it sends with", "languages": "Languages", "region": "Region", "website": "Website",
    "reply": "Where readers may write", "address": "Postal address", "charity_number": "Charity number",
    "intro": "Its own paragraph", "colour": "Colour",
}  # fmt: skip
MOST_PACKS, MOST_EVENTS = 50, 30


def found(organisation_id: int) -> PartnerProfile:
    """Return an organisation's profile; 404 if there is none."""
    return profile_of(connection(), organisation_id) or abort(404)


def page(form: Form, profile: PartnerProfile, *, collided: bool = False) -> tuple[str, int]:
    """Show an organisation with a form as it was typed, or as it is kept; with both if somebody saved meanwhile."""
    theirs: list[tuple[str, str]] = []
    if collided:
        kept = {**profile.values, **{f"note:{name}": text for name, text in profile.notes.items()}}
        theirs = [
            (LABELS.get(name, name.removeprefix("note:")), text)
            for name, text in kept.items()
            if text != form.values.get(name, text).replace("\r\n", "\n")
        ]
    for field in FIELDS:
        form.values.setdefault(field, profile.values[field])
    for name, text in profile.notes.items():
        form.values.setdefault(f"note:{name}", text)
    # Saving once more after a collision is a decision; after any other mistake the form has the version it began with.
    form.values["base"] = str(profile.version) if collided else form["base"] or str(profile.version)
    entry = entry_of(connection(), current_day(), profile)
    html, status = form.page(
        "desk/partners/show.html", entry=entry, profile=profile, theirs=theirs, collided=collided, labels=LABELS,
        logos=logo_paths(connection(), profile), forms=LOGO_FORMS, private_url=profile.private_url(settings()),
        events=latest_events(connection(), profile.organisation.id, MOST_EVENTS), dialects=dialects(),
        packs=sorted(entry.made.packs, key=lambda pack: pack.made_at, reverse=True)[:MOST_PACKS],
    )  # fmt: skip
    return html, 409 if collided else status


def typed_notes(form: Form, names: Mapping[str, str]) -> dict[str, str]:
    """Return the notes as they were typed, and a new one if it has a name; an empty one is removed."""
    notes = {name: form[field].replace("\r\n", "\n") for name, field in names.items()}
    if new := " ".join(form["note_name"].split()).lower()[:60]:
        notes[new] = form["note_text"].replace("\r\n", "\n")
    return {name: text[:2_000] for name, text in notes.items()}
