"""Compression of what everybody may see: a toolkit's pages, style sheets and scripts, for phones on slow lines."""

from __future__ import annotations

import gzip

from flask import Response, request

from pages.context import A_WHILE

_TEXTS = frozenset({"text/html", "text/css", "text/javascript", "image/svg+xml"})
# A packet holds as much.
_SMALL = 1_400


def compress(response: Response) -> Response:
    """Return the response compressed, if the browser takes that and nothing in it is anybody's secret.

    Secrets could be guessed from sizes (BREACH), so of our pages only those that any cache may keep are compressed.
    """
    public = request.endpoint == "static" or response.headers.get("Cache-Control") == A_WHILE
    if not public or response.status_code != 200 or response.mimetype not in _TEXTS:
        return response
    response.vary.add("Accept-Encoding")
    if not request.accept_encodings["gzip"] or response.content_encoding or request.range:
        return response
    response.direct_passthrough = False
    content = response.get_data()
    if len(content) > _SMALL:
        response.set_data(gzip.compress(content, 6, mtime=0))
        response.content_encoding = "gzip"
        if etag := response.get_etag()[0]:
            response.set_etag(etag, weak=True)  # the same file, in other bytes
    return response
