"""The parts that the pages of one newsletter share: the newsletter, its list, and the member it is shown for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import abort, redirect, request, session, url_for

from desk.access import connection, note, person, settings
from desk.forms import asked_number
from lists.list_people import ListPeople, open_people
from lists.lists import list_names
from newsletters.documents.language_names import language_name
from newsletters.stored.manuscripts import StoredManuscript, origin_of
from newsletters.stored.newsletters import SavedNewsletter, UnknownNewsletter, load
from sender.campaigns.campaign_record import CampaignRecord
from sender.launching.launch import find_draft

# The member that previews are for, by number: no address is in a cookie or an address line.
READER = "reader"


def opened(newsletter_id: int) -> SavedNewsletter:
    """Return the newsletter of this page, and name it in the audit log."""
    try:
        found = load(connection(), newsletter_id)
    except UnknownNewsletter:
        abort(404)
    note(found.name)
    return found


def asked_base(newsletter: SavedNewsletter) -> int:
    """Return the version that the person was looking at; 0, which is older than any, if that can't be a version."""
    return asked_number("base") or 0 if "base" in request.form else newsletter.version


def manuscript_of_saved(newsletter: SavedNewsletter) -> StoredManuscript:
    """Return the newsletter as the compiler reads it."""
    return StoredManuscript(newsletter.name, newsletter.contents, connection(), newsletter)


def asked_language(newsletter: SavedNewsletter) -> str:
    """Return the language that the address or form asks for, "" for the first text; 404 if it has none."""
    language = request.values.get("language", "")
    return language if language in newsletter.contents.texts else abort(404)


def languages_of(newsletter: SavedNewsletter) -> list[tuple[str, str]]:
    """Return each language's code, "" for the first text, and its name."""
    return [(code, language_name(code) if code else "First text") for code in newsletter.contents.texts]


def asked_people() -> ListPeople | None:
    """Return the people of the list that the address asks for; the only list without being asked."""
    name = request.args.get("list")
    if name is None:
        names = list_names(connection())
        name = names[0] if len(names) == 1 else ""
    return open_people(connection(), name) if name else None


def chosen_reader(people: ListPeople | None) -> Mapping[str, Any] | None:
    """Return the values of the member who was chosen, if this person may see members; None for nobody's."""
    if people is None or READER not in session or not person().may("people.see"):
        return None
    return people.numbered(session[READER])


def draft_of(newsletter: SavedNewsletter) -> CampaignRecord:
    """Return the draft that the wizard has made of a newsletter; without one, lead to its first page."""
    draft = find_draft(connection(), origin_of(newsletter.name))
    if draft is None or draft.list_name is None:
        abort(redirect(url_for("send_check.who_gets_it", newsletter_id=newsletter.id)))
    return draft


def public_root() -> str:
    """Return the address of the public pages, where a mail's pictures are."""
    return settings().pages_url
