"""List the names that expressions and layouts can use: of the document, its toolkit and their brand."""

from __future__ import annotations

from typing import Any

from newsletters.documents.document import Document
from newsletters.toolkits.toolkit import Toolkit


def names(document: Document, toolkit: Toolkit) -> dict[str, Any]:
    """Return the names that expressions can use, except `member`: plain tables, so that no code is in reach."""
    return {**toolkit_names(toolkit), "newsletter": {"title": document.title, "language": document.language}}


def toolkit_names(toolkit: Toolkit) -> dict[str, Any]:
    """Return the names that need no newsletter."""
    return {
        "toolkit": {
            "name": toolkit.name, "title": toolkit.title, "coalition": toolkit.coalition, "campaign": toolkit.campaign,
            "summary": toolkit.summary, "links": dict(toolkit.links),
        },
        "campaign": toolkit.campaign,
        "brand": {
            "name": toolkit.brand.name, "organisation": toolkit.brand.footer.organisation,
            "address": toolkit.brand.footer.address, "charity_number": toolkit.brand.footer.charity_number,
            "social": dict(toolkit.brand.footer.social),
        },
    }  # fmt: skip
