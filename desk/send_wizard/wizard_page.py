"""Parts of every page of the send wizard: what was chosen, and what a page showed before somebody decided."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import current_app
from itsdangerous import BadSignature, URLSafeSerializer

from daisychain.errors import StateError
from desk.access import connection, person
from desk.forms import Form
from newsletters.stored.newsletters import SavedNewsletter
from newsletters.stored.versions import since_test
from sender.campaigns import approvals, plans
from sender.campaigns.campaign_record import CampaignRecord
from sender.launching.summary import three_readers


def wizard_page(
    form: Form, name: str, newsletter: SavedNewsletter, draft: CampaignRecord | None, **values: Any
) -> tuple[str, int]:
    """Return the page `name` of the wizard; without a draft nothing is chosen yet."""
    draft = draft if draft and draft.list_name else None
    if draft:
        tested, changed = since_test(connection(), newsletter)
        values |= {
            "plan": plans.in_words(draft), "kept": approvals.latest(connection(), draft.id), "tested": tested,
            "changed_since_test": changed,
            "readers": three_readers(connection(), draft) if person().may("people.see") else [],
        }  # fmt: skip
    return form.page(f"desk/newsletters/send/{name}.html", newsletter=newsletter, draft=draft, **values)


def signed(content: Mapping[str, str], people: int) -> str:
    """Return the content and the count that a page shows, for a hidden field of its form."""
    return str(_signer().dumps([dict(content), people]))


def seen_content(text: str) -> tuple[dict[str, str], int]:
    """Return what a form says that its page showed; raises StateError if it is not from a page."""
    try:
        content, people = _signer().loads(text)
    except BadSignature:
        raise StateError("This form is incomplete.", hint="Open the page again.") from None
    return content, people


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt="seen")
