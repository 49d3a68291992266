"""Banner code: the HTML that shows a banner or badge on a website and leads its visitors to the campaign."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from newsletters.social.banners import BANNERS, Banner, banner_alt
from newsletters.toolkit_store.showcase import Showcase
from newsletters.toolkit_store.website_code import campaign_page, picture_code


@dataclass(frozen=True)
class BannerCode:
    """A banner in one language, its words, and the code that shows it."""

    banner: Banner
    alt: str
    code: str


def banner_codes(shown: Showcase, language: str, public_url: str, mark: Callable[[str], str]) -> list[BannerCode]:
    """Return the badge and the banners; `mark` adds to their links whose website it is."""
    toolkit, leads_to = shown.toolkit, mark(campaign_page(shown, public_url))
    found = []
    for banner in BANNERS.values():
        address = f"{public_url}/toolkits/{toolkit.name}/banners/{language}/{banner.key}"
        alt = banner_alt(toolkit, banner.key, language)
        size = (banner.width, banner.height)
        code = picture_code(f"{address}.png", leads_to, alt, size, sharper=f"{address}.2x.png")
        found.append(BannerCode(banner, alt, code))
    return found
