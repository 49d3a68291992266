"""Tracking: the URLs in a sent mail, and who counts opens and clicks: nobody, the provider, or this installation.

Never two at once. Unsubscribe, preferences and view links are never tracked; links in the text part are not rewritten.
"""

from __future__ import annotations

from newsletters.compiled import Image, Link
from newsletters.merge.merge import KEY, References
from newsletters.toolkits.images import image_path
from sender.tables import Tracking


def tracking_mode(decision: str, provider: str) -> Tracking:
    """Return who counts, for a list's decision ("on" or "off") and a provider's name."""
    if decision == "off":
        return "off"
    return "provider" if provider == "sendgrid" else "own"  # only SendGrid can count opens and clicks


def sent_references(public_url: str, *, opens: str, clicks: str, preferences: bool = True) -> References:
    """Return the references of a real mail, with this installation's public URL; only members have `preferences`."""

    def link(link: Link) -> str:
        if clicks == "own" and link.tracked:
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
