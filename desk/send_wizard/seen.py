"""The content and count that a page showed before somebody decided: signed, in a hidden field of its form."""

from __future__ import annotations

from collections.abc import Mapping

from flask import current_app
from itsdangerous import BadSignature, URLSafeSerializer

from daisychain.errors import StateError


def signed(content: Mapping[str, str], people: int) -> str:
    """Return the content and the count of a page for its form."""
    return _signer().dumps([dict(content), people])


def seen_content(text: str) -> tuple[dict[str, str], int]:
    """Return what a form says that its page showed; raises StateError if it is not from a page."""
    try:
        content, people = _signer().loads(text)
    except BadSignature:
        raise StateError("This form is incomplete.", hint="Open the page again.") from None
    return content, people


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt="seen")
