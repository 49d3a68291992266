"""An invented organisation with everything that one can have, for tests."""

from __future__ import annotations

import io
from collections.abc import Iterable

from PIL import Image, ImageDraw
from sqlalchemy import Connection

from newsletters.packs.pack_status import keep_packs
from partners.contacts import add_contact
from partners.organisation_logos import save_logo
from partners.profiles import PartnerProfile, add_organisation, profile_of, save_profile
from tests.newsletters.packs.packing import packed

DETAILS = {
    "tool": "brevo", "languages": "en, cy", "region": "South West", "website": "https://bees.example/",
    "reply": "hello@bees.example", "address": "2 Hive Lane\nBath BA1 1AA", "charity_number": "1234567",
    "intro": "We look after **bees**.", "colour": "#7a1f5c",
}  # fmt: skip


def logo(colour: str = "#7a1f5c", size: tuple[int, int] = (640, 240)) -> bytes:
    """Return a PNG with a clear margin round a coloured shape."""
    picture = Image.new("RGBA", size, (0, 0, 0, 0))
    ImageDraw.Draw(picture).ellipse((40, 40, size[0] - 40, size[1] - 40), fill=colour)
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def add_bees(connection: Connection, name: str = "Bees of Bath", packs: Iterable[str] = ("may",)) -> PartnerProfile:
    """Add an organisation with details, two contacts, logos, a note and packs."""
    bees = add_organisation(connection, {"name": name}, "Priya Example")
    id_ = bees.organisation.id
    save_profile(connection, id_, DETAILS, "Priya Example", notes={"since": "2019"})
    add_contact(connection, id_, "maya@bees.example", "Maya Bee")
    add_contact(connection, id_, "office@bees.example", suggested=True)
    save_logo(connection, bees.organisation, "logo", logo(), "Priya Example")
    save_logo(connection, bees.organisation, "logo_white", logo("#ffffff"), "Priya Example")
    row = packed("brevo").row
    keep_packs(
        connection,
        [row | {"key": f"{bees.organisation.code}-{each}", "partner": name, "newsletter": each} for each in packs],
    )
    found = profile_of(connection, id_)
    assert found is not None
    return found
