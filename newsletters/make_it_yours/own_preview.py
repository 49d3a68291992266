"""The preview of a ready-made email in somebody's brand: the mail as a page, made again after each change."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, replace

from newsletters.compiled import Image
from newsletters.make_it_yours.typed_partner import NOBODY
from newsletters.packs.dialect_writer import write, write_lines
from newsletters.packs.dialects.dialect import Dialect
from newsletters.packs.edition import Edition
from newsletters.packs.material import gather
from newsletters.packs.partner import Partner
from newsletters.packs.preview_files import filled_in
from newsletters.toolkits.images import image_path

_LINK = re.compile(r'<a\b(?=[^>]*\shref="(?!#))', re.IGNORECASE)
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; sandbox; frame-ancestors 'self'; "
    "form-action 'none'; base-uri 'none'"
)


@dataclass(frozen=True)
class OwnPreview:
    """The email as a reader called Sam gets it; `notes` are what to know about the brand in it."""

    subject: str
    preheader: str
    html: str
    notes: tuple[str, ...]


def preview(edition: Edition, partner: Partner, dialect: Dialect, kept: frozenset[str], folder: str) -> OwnPreview:
    """Return the email in the brand of `partner`; pictures whose hash is `kept` are below `folder`, others within."""
    material = gather(replace(edition, choices=replace(edition.choices, otherwise=True)), partner, simple=False)
    shown = filled_in(dialect)
    contents = material.compilation.image_contents

    def picture(image: Image) -> str:
        if image.hash in kept:
            return folder + image_path(image.hash, image.media_type)
        return f"data:{image.media_type};base64,{base64.b64encode(contents[image.hash]).decode()}"

    wording = replace(material.wording(_anywhere(dialect)), image=picture)
    if not wording.address:
        wording = replace(wording, address="(your postal address)")
    html = write(material.compilation.email, shown, wording).html
    subject, preheader = write_lines(material.compilation.email, shown, wording)
    notes = () if partner.name == NOBODY and not partner.logo else material.notes
    # A frame has no place for other pages, and its policy lets it go nowhere.
    return OwnPreview(subject, preheader, _LINK.sub('<a target="_blank" rel="noreferrer"', html), notes)


def _anywhere(dialect: Dialect) -> Dialect:
    """Return the dialect as if its tool added the postal address: while somebody types, it may be missing."""
    return replace(dialect, address_by_tool=True)
