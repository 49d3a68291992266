"""URLs: links as people write them, made whole."""

from __future__ import annotations


def absolute_url(url: str, public_url: str) -> str:
    """Return `url`, on `public_url` if it is a path of this installation, which begins with a single `/`."""
    return public_url + url if url.startswith("/") and not url.startswith("//") else url
