"""Website code: a toolkit's copy and pictures as HTML that member organisations paste into pages of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from html import escape

from daisychain.text_direction import direction_of
from newsletters.compose.compose import phrases
from newsletters.toolkit_store.page_pictures import sized_name
from newsletters.toolkit_store.showcase import CopyToPaste, Showcase
from newsletters.toolkits.images import ToolkitImage

# As wide as most websites show a picture.
WEBSITE_WIDTH = 960


@dataclass(frozen=True)
class WebsitePicture:
    """A picture for websites, and the code that shows it with a link to the campaign."""

    image: ToolkitImage
    code: str


def website_pieces(shown: Showcase, language: str) -> list[tuple[CopyToPaste, str]]:
    """Return the copy for websites with its code, the first long piece at the top."""
    pieces = shown.pieces("web", language)
    story = next((piece for piece in pieces if piece.block.length == "long"), None)
    ordered = [story, *(piece for piece in pieces if piece is not story)] if story else pieces
    return [(piece, story_code(piece, shown, piece.language, piece.language)) for piece in ordered]


def website_pictures(shown: Showcase, public_url: str, mark: Callable[[str], str]) -> list[WebsitePicture]:
    """Return the toolkit's pictures, each with the code of a link to the campaign.

    `mark` adds to that link whose website it is.
    """
    leads_to, found = mark(campaign_page(shown, public_url)), []
    for image in shown.toolkit.images.values():
        if image is not shown.logo:
            width = min(image.width, WEBSITE_WIDTH)
            size = (width, max(1, round(image.height * width / image.width)))
            url = f"{public_url}/i/{sized_name(image, WEBSITE_WIDTH)}"
            found.append(WebsitePicture(image, picture_code(url, leads_to, image.alt, size)))
    return found


def campaign_page(shown: Showcase, public_url: str) -> str:
    """Return the address to which banners lead: the campaign's website, or else its toolkit."""
    return shown.links.get("website") or f"{public_url}/toolkits/{shown.toolkit.name}"


def story_code(piece: CopyToPaste, shown: Showcase, language: str, marked_as: str = "") -> str:
    """Return a piece of a page in plain HTML, which the website's own style sheet dresses.

    Its last line, which asks people to join, is in `language`. It says that it is in the language `marked_as`.
    """
    body = "".join(f"  {line}\n" for line in str(piece.html).strip().splitlines())
    heading = "" if body.lstrip().startswith(("<h1", "<h2")) else f"  <h2>{escape(shown.toolkit.title)}</h2>\n"
    join = shown.links.get("join", "")
    words = phrases(language)["join"].format(organisation=shown.toolkit.coalition)
    more = f'  <p><a href="{escape(join)}">{escape(words)}</a></p>\n' if join and join not in str(piece.html) else ""
    lang = f' lang="{marked_as}"' if marked_as else ""
    lang += ' dir="rtl"' if marked_as and direction_of(marked_as) == "rtl" else ""
    return f"<section{lang}>\n{heading}{body}{more}</section>\n"


def picture_code(url: str, leads_to: str, alt: str, size: tuple[int, int], *, sharper: str = "") -> str:
    """Return the HTML of a picture that is a link; `sharper` is the address of one with twice as many pixels."""
    sharp = f' srcset="{escape(sharper)} 2x"' if sharper else ""
    picture = f'<img src="{escape(url)}"{sharp} alt="{escape(alt)}" width="{size[0]}" height="{size[1]}">'
    return f'<a href="{escape(leads_to)}">{picture}</a>'
