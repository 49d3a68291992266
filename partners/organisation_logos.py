"""Logos of organisations in three forms, cut to their ink and kept by their hash."""

from __future__ import annotations

from sqlalchemy import Connection, select, update

from daisychain.errors import InputError
from lists.organisations import Organisation
from newsletters.logo_files.logo_file import read_logo_file
from newsletters.packs.logos import cleaned, is_empty, logo_notes
from newsletters.tables import StoredImage
from newsletters.toolkits.images import ToolkitImage, image_path, keep_images
from partners.partner_events import record_partner_event
from partners.profiles import PartnerProfile
from partners.tables import OrganisationProfile

# The columns of the table, how a file's column is named, and what each is for.
LOGO_FORMS = {
    "logo": ("logo", "Logo"),
    "logo_white": ("logo white", "White logo, for dark grounds"),
    "logo_square": ("logo square", "Square logo, for profiles and badges"),
}


def save_logo(
    connection: Connection, organisation: Organisation, form: str, content: bytes, who: str
) -> tuple[str, list[str]]:
    """Read and keep a logo; return its hash and what to know of it. Raises as `read_logo` does."""
    shown, about = read_logo(organisation, form, content)
    keep_logo(connection, organisation, form, shown, who)
    return shown.hash, about


def read_logo(organisation: Organisation, form: str, content: bytes) -> tuple[ToolkitImage, list[str]]:
    """Return a logo cut to its ink, and what to know of it; it may take seconds, so no transaction should wait for it.

    Raises InputError for what is no picture or is empty, Busy if others are being read.
    """
    file = read_logo_file(content, f"{organisation.code}-{form.replace('_', '-')}", alt=organisation.name)
    if is_empty(file.image):
        raise InputError("The picture is empty: clear or white all over.", hint="Choose another file.")
    shown = cleaned(file.image)
    return shown, list(logo_notes(shown, printed=file.printed))


def keep_logo(connection: Connection, organisation: Organisation, form: str, shown: ToolkitImage, who: str) -> None:
    """Keep a logo that was read."""
    keep_images(connection, [shown])
    _set(connection, organisation.id, form, shown.hash, who)


def logo_paths(connection: Connection, profile: PartnerProfile) -> dict[str, str]:
    """Return the public path of each logo that an organisation has."""
    hashes = [hash_ for hash_ in profile.logos.values() if hash_]
    rows = connection.execute(select(StoredImage.hash, StoredImage.media_type).where(StoredImage.hash.in_(hashes)))
    paths = {row.hash: image_path(row.hash, row.media_type) for row in rows}
    return {form: paths[hash_] for form, hash_ in profile.logos.items() if hash_ in paths}


def remove_logo(connection: Connection, organisation_id: int, form: str, who: str) -> None:
    """Let an organisation be without a logo; mails that show it go on, as images are kept."""
    _set(connection, organisation_id, form, "", who)


def _set(connection: Connection, organisation_id: int, form: str, hash_: str, who: str) -> None:
    assert form in LOGO_FORMS, form
    table = OrganisationProfile
    mine = table.organisation_id == organisation_id
    if connection.scalar(select(getattr(table, form)).where(mine)) == hash_:
        return
    connection.execute(update(table).where(mine).values({form: hash_}))
    record_partner_event(connection, "changed", organisation_id=organisation_id, by=who, changes={}, logo=form)
