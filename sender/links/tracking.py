"""The URLs in a sent mail, and who counts its opens and clicks: nobody, the provider, or this installation.

Never two at once. Unsubscribe, preferences and view links are never tracked; links in the text part are not rewritten.
"""

from __future__ import annotations

from newsletters.compiled import Image, Link
from newsletters.merge.merge import KEY, References
from newsletters.tokens import holds_values
from newsletters.toolkits.images import image_path
from sender.tables import Tracking


def without_persons(mode: Tracking) -> Tracking:
    """Return who counts if nobody may learn who read: a provider's tracking names the address, our own pages don't."""
    return "off" if mode == "off" else "own"


def is_counted(link: Link, *, per_person: bool) -> bool:
    """Whether clicks on a link are counted: not if it holds a value of a person who must not be known there."""
    return link.tracked and (per_person or not holds_values(link.url))


def sent_references(
    public_url: str, *, opens: str, clicks: str, per_person: bool = True, preferences: bool = True
) -> References:  # fmt: skip
    """Return the references of a real mail, with this installation's public URL; only members have `preferences`."""

    def link(link: Link) -> str:
        if clicks == "own" and is_counted(link, per_person=per_person):
            return f"{public_url}/c/{KEY}/{link.index}"
        return link.url

    def image(image: Image) -> str:
        return public_url + image_path(image.hash, image.media_type)

    return References(
        link=link,
        image=image,
        unsubscribe=f"{public_url}/u/{KEY}",
        view=f"{public_url}/v/{KEY}",
        preferences=f"{public_url}/preferences/{KEY}" if preferences else "",
        pixel=f"{public_url}/o/{KEY}.gif" if opens == "own" else "",
        public=public_url,
    )
