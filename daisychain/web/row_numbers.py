"""Numbers of rows in addresses and forms: none is larger than the database has, however many digits somebody types."""

from __future__ import annotations

from typing import Any

from werkzeug.routing import IntegerConverter, Map

MOST = 2**63 - 1


def row_number(text: str) -> int | None:
    """Return a number that may be a row's; None for any other text, and for more digits than any row has."""
    return int(text) if text.isdecimal() and len(text) < len(str(MOST)) else None


class RowNumber(IntegerConverter):
    """A row's number in an address; any other is no page."""

    def __init__(self, url_map: Map, *_: Any, **__: Any) -> None:
        super().__init__(url_map, max=MOST)
