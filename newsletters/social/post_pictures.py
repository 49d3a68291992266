"""Pictures of a toolkit's posts: what goes on each, and each drawn once for its content."""

from __future__ import annotations

import io
from collections.abc import Iterator
from urllib.parse import urlsplit

from PIL import Image

from daisychain.cache import Cache
from daisychain.errors import InputError
from newsletters.packs.logos import trimmed
from newsletters.packs.partner import Partner
from newsletters.packs.zip_files import zipped
from newsletters.social.glyphs import refuse_boxes
from newsletters.social.logo_line import Bearer
from newsletters.social.shapes import SHAPES
from newsletters.social.social_picture import DrawnPicture, OnPicture, draw, fit_of
from newsletters.toolkit_store.showcase import HERO, CopyToPaste
from newsletters.toolkits.images import EXTENSIONS
from newsletters.toolkits.toolkit import LONGEST_HEADLINE, Toolkit

SMALL = "-small"
SIZES = (*SHAPES, *(f"{key}{SMALL}" for key in SHAPES))
_SMALL_SIDE = 480
# Some 15 MB in each process; when many are being drawn, further requests are asked to wait.
_DRAWN: Cache[DrawnPicture] = Cache(64)
_ZIPPED: Cache[bytes] = Cache(8)
_LONGEST_WAIT = 15  # seconds


def on_picture(toolkit: Toolkit, piece: CopyToPaste, partner: Partner | None = None) -> OnPicture:
    """Return what goes on the pictures of a post: its headline, or else its title; the image it names, or the hero."""
    block = piece.block
    first = toolkit.copy.get(block.id.rpartition(".")[0], block)  # of a translation
    images = {name: image for name, image in toolkit.images.items() if image is not toolkit.brand.logo}
    named = block.picture or first.picture or HERO
    logo = trimmed(partner.logo) if partner and partner.logo else None
    return OnPicture(
        headline=block.headline or block.title,
        kicker=toolkit.campaign,
        language=piece.language,
        photo=images.get(named) or next(iter(images.values()), None),
        brand=toolkit.brand,
        partner=Bearer(partner.name, logo) if partner else None,
        colour=partner.accent if partner else "",
        site=(urlsplit(toolkit.links.get("website", "")).hostname or "").removeprefix("www."),
    )


def drawn_post(toolkit: Toolkit, piece: CopyToPaste, size: str) -> DrawnPicture:
    """Return the picture of a post without a partner in one of SIZES, drawn once; raises Busy if too many wait.

    Raises InputError if its words can't be drawn.
    """
    shape = SHAPES[size.removesuffix(SMALL)]

    def made() -> DrawnPicture:
        return draw(on_picture(toolkit, piece), shape)

    key = (toolkit.content_hash, piece.block.id, shape.key)
    whole = _DRAWN.get(key, made, _LONGEST_WAIT)
    if not size.endswith(SMALL):
        return whole
    return _DRAWN.get((*key, SMALL), lambda: smaller(whole), _LONGEST_WAIT)


def smaller(picture: DrawnPicture) -> DrawnPicture:
    """Return a picture as pages show it, small and light."""
    with Image.open(io.BytesIO(picture.content)) as opened:
        opened.thumbnail((_SMALL_SIDE, 2 * _SMALL_SIDE), Image.Resampling.LANCZOS)
        file = io.BytesIO()
        opened.convert("RGB").save(file, "WEBP", quality=80)
    return DrawnPicture(file.getvalue(), "image/webp")


def branded_files(toolkit: Toolkit, piece: CopyToPaste, partner: Partner) -> Iterator[tuple[str, bytes]]:
    """Yield the files of a post with a partner's logo and colour: a picture in each shape and their alt text."""
    on = on_picture(toolkit, piece, partner)
    for key, shape in SHAPES.items():
        drawn = draw(on, shape)
        yield f"{piece.block.id}-{key}.{EXTENSIONS[drawn.media_type]}", drawn.content
    yield f"{piece.block.id}-alt-text.txt", f"{on.alt}\n".encode()


def why_no_pictures(on: OnPicture) -> str:
    """Return why a post has no pictures, as a sentence; empty if it has some."""
    try:
        refuse_boxes(f"{on.headline} {on.kicker}")
        if len(on.headline) > LONGEST_HEADLINE and not all(fit_of(on, shape)["fits"] for shape in SHAPES.values()):
            return "The words are too many for a picture."
    except InputError as error:
        return error.message
    return ""


def branded_zip(toolkit: Toolkit, piece: CopyToPaste, partner: Partner) -> bytes:
    """Return the pictures of a post with a partner's name, logo and colour, as a zip; one at a time is drawn.

    Raises InputError if its words can't be drawn, and Busy if too many people wait.
    """
    logo = partner.logo.hash if partner.logo else ""
    key = (toolkit.content_hash, piece.block.id, partner.name, partner.accent, logo)
    return _ZIPPED.get(key, lambda: zipped(dict(branded_files(toolkit, piece, partner))), _LONGEST_WAIT)
