"""Pictures of a campaign's mail on a phone and a desktop, with the place of each of its links.

The mail is shown with its defaults in place of a reader's data, and with every part that is for some people only. A
browser takes the pictures once for each mail; after that they are kept.
"""

from __future__ import annotations

import base64
import io
import json
import math
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from PIL import Image
from sqlalchemy import Connection, Engine
from sqlalchemy.dialects.postgresql import insert

from newsletters.browser.browser import Page, open_browser
from newsletters.browser.screenshots import SCREENS
from newsletters.compiled import CompiledEmail
from newsletters.merge.merge import References, plan_merge
from newsletters.preview.variants import variants
from newsletters.toolkit_store.store import find_image
from reports.charts.drawing import find_drawn
from reports.report import Report
from reports.tables import KeptChart
from sender.delivery.campaign_emails import emails_of
from sender.links.sent_mail import load_emails

_VERSION = 3
_LETTER = 14
_LINK = "http://page.invalid/link/"
# A picture of all of a long mail, in few bytes: both are part of a file of less than 200 KB.
_MOST_BYTES = 44_000
_SMALLEST = 40  # px of the shorter side
# A link of words has a box for each of its lines; one around a picture or a button is as large as what is in it.
_BOXES = f"""
[...document.querySelectorAll('a[href^="{_LINK}"]')].map((link) => {{
  let boxes = [link, ...link.querySelectorAll('*')].flatMap((each) => [...each.getClientRects()]);
  if (link.querySelector('*')) {{
    const left = Math.min(...boxes.map((box) => box.left)), top = Math.min(...boxes.map((box) => box.top));
    const right = Math.max(...boxes.map((box) => box.right)), bottom = Math.max(...boxes.map((box) => box.bottom));
    boxes = [{{left, top, width: right - left, height: bottom - top}}];
  }}
  boxes = boxes.filter(({{width, height}}) => width > 0 && height > 0)
    .map(({{left, top, width, height}}) => [left + scrollX, top + scrollY, width, height].map(Math.round));
  return {{link: Number(link.getAttribute('href').slice({len(_LINK)})), boxes}};
}}).filter(({{boxes}}) => boxes.length)
"""


Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class LinkMark:
    """A link in the picture: its boxes and the label above them, each with left, top, width and height in px.

    The label has its number in the report, and how many people followed it.
    """

    words: str
    boxes: list[Box]
    label: Box


@dataclass(frozen=True)
class MailPicture:
    """The mail on one screen, `image` as a data URL."""

    screen: str
    width: int
    height: int
    image: str
    letter: int  # the height of the labels' letters
    marks: list[LinkMark]


def mail_pictures(engine: Engine, report: Report) -> list[MailPicture]:
    """Return the campaign's mail in its fallback language on a phone and a desktop; raises BrowserError."""
    with engine.connect() as connection:
        compiled_id = emails_of(connection, report.campaign_id).fallback
        email = load_emails(connection, [compiled_id])[compiled_id]
        key = sha256(f"mail {_VERSION} {email.hash}".encode()).hexdigest()
        kept = find_drawn(connection, key)
        taken: list[dict[str, Any]] = json.loads(kept) if kept else _taken(connection, email)
    if not kept:
        values = {"key": key, "campaign_id": report.campaign_id, "content": json.dumps(taken).encode()}
        with engine.begin() as connection:
            connection.execute(insert(KeptChart).values(**values).on_conflict_do_nothing())
    return [_marked(each, report) for each in taken]


def _marked(taken: dict[str, Any], report: Report) -> MailPicture:
    links = {link.number: (place, link) for place, link in enumerate(report.links, 1) if not link.language}
    letter = round(_LETTER * max(1, taken["width"] / 500))  # the desktop's picture is shown smaller
    marks: list[LinkMark] = []
    for found in sorted(taken["boxes"], key=lambda found: found["boxes"][0][1]):
        if found["link"] in links:
            place, link = links[found["link"]]
            people = "–" if link.clickers.numerator is None else f"{link.clickers.numerator:,}"
            words, boxes = f"{place}: {people}", [tuple(box) for box in found["boxes"]]
            label = _label(words, boxes[0], letter, taken["width"], [mark.label for mark in marks])
            marks.append(LinkMark(words, boxes, label))
    return MailPicture(taken["screen"], taken["width"], taken["height"], taken["image"], letter, marks)


def _label(words: str, box: Box, letter: int, width: int, others: list[Box]) -> Box:
    """Return a place above the right end of a link for its label, on no other label."""
    long, high = len(words) * letter * 0.6 + letter, letter * 1.5
    left, top = max(1, min(box[0] + box[2] - long / 2, width - long - 1)), max(1, box[1] - high * 0.8)

    def taken(other: Box) -> bool:
        return abs(other[0] + other[2] / 2 - left - long / 2) < (other[2] + long) / 2 and abs(other[1] - top) < high

    while top > 1 and any(map(taken, others)):
        top = max(1, top - high / 2)
    return round(left, 1), round(top, 1), round(long, 1), round(high, 1)


def _taken(connection: Connection, email: CompiledEmail) -> list[dict[str, Any]]:
    shown = {variant.key: variant for variant in variants(email, None, None)}
    variant = shown.get("with", shown[""])
    references = References(
        link=lambda link: f"{_LINK}{link.index}", image=lambda image: f"image/{image.hash}",
        unsubscribe="#", view="#", preferences="#",
    )  # fmt: skip
    html = plan_merge(variant.email, references).render(variant.member).html

    def file(path: str) -> bytes | None:
        found = find_image(connection, path.removeprefix("image/"))
        return found[1] if found else None

    page, taken = Page(html, file), []
    with open_browser() as browser:
        for screen, view in SCREENS.items():
            once = replace(view, scale=1)
            image = Image.open(io.BytesIO(browser.picture(page, once)))
            boxes = browser.answer(page, _BOXES, once)
            taken.append(
                {"screen": screen, "width": image.width, "height": image.height, "image": _small(image), "boxes": boxes}
            )
    return taken


def _small(image: Image.Image) -> str:
    """Return the picture as a data URL, as large as its bytes allow."""
    scale, quality, content = 1.0, 60, _webp(image, 1, 60)
    while len(content) > _MOST_BYTES and min(image.size) * scale > _SMALLEST:
        scale, quality = scale * min(0.8, math.sqrt(_MOST_BYTES / len(content))), 40
        content = _webp(image, scale, quality)
    return "data:image/webp;base64," + base64.b64encode(content).decode()


def _webp(image: Image.Image, scale: float, quality: int) -> bytes:
    made = io.BytesIO()
    size = (max(1, int(image.width * scale)), max(1, int(image.height * scale)))
    # Better methods take twice as long for 3 % less.
    image.convert("RGB").resize(size).save(made, "WEBP", quality=quality, method=2)
    return made.getvalue()
