"""The RSS feed of an archive."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from sender.reader_pages.past_bulletins import ListArchive, PastBulletin

# XML has no place for these, however they are written.
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def feed_of(
    archive: ListArchive, bulletins: Sequence[PastBulletin], words: str, url: str, own: str, at: Callable[[int], str]
) -> bytes:
    """Return the feed; `words` describe it, `url` is the archive's page, `own` the feed's, `at` a bulletin's."""
    from feedgen.feed import FeedGenerator  # with lxml it takes a tenth of a second to load

    feed = FeedGenerator()
    feed.title(_written(archive.title))
    feed.link(href=own, rel="self")
    feed.link(href=url, rel="alternate")  # the last one is the channel's own
    feed.description(_written(words))
    feed.generator("Daisychain")
    if bulletins:
        feed.language(bulletins[0].language)
        feed.lastBuildDate(bulletins[0].sent_at)  # not now: the same bulletins are the same feed
    for each in bulletins:
        entry = feed.add_entry(order="append")
        entry.title(_written(each.subject))
        entry.link(href=at(each.id))
        entry.guid(at(each.id), permalink=True)
        entry.description(_written(each.preheader or each.subject))
        entry.pubDate(each.sent_at)
    written: bytes = feed.rss_str(pretty=True)
    return written


def _written(text: str) -> str:
    return _NOT_IN_XML.sub("", text)
