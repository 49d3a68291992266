"""Export of organisations as a CSV that `partner import` reads back to the same."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from sqlalchemy import Connection, select

from daisychain.csv_cells import guarded
from newsletters.packs.partner import COLUMNS
from newsletters.tables import StoredImage
from newsletters.toolkits.images import EXTENSIONS
from partners.contacts import Contact
from partners.file_columns import OWN
from partners.organisation_list import OrganisationEntry
from partners.organisation_logos import LOGO_FORMS
from partners.profile_values import FIELDS

LOGOS = "logos"  # the folder beside the file


def export_csv(entries: Sequence[OrganisationEntry], logos: Mapping[str, str] | None = None) -> str:
    """Return the file's text; `logos` has the path of each picture by its hash, without which no logos are named."""
    contacts = max((len(_accepted(entry)) for entry in entries), default=0)
    notes = sorted({name for entry in entries for name in entry.profile.notes})
    numbered = [f"contact {part} {number}" for number in range(1, contacts + 1) for part in ("name", "email", "mail")]
    columns = [*(each for each in (*COLUMNS, *OWN) if each != "formerly"), *numbered, *notes]
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(guarded(columns))
    for entry in entries:
        cells = _cells(entry, logos or {})
        writer.writerow(guarded(cells.get(column, "") for column in columns))
    return file.getvalue()


def write_logos(connection: Connection, entries: Sequence[OrganisationEntry], folder: Path) -> dict[str, str]:
    """Write the logos of organisations into a folder beside the file; return their paths from there, by hash."""
    hashes = {hash_ for entry in entries for hash_ in entry.profile.logos.values() if hash_}
    paths = {}
    for row in connection.execute(select(StoredImage.__table__).where(StoredImage.hash.in_(hashes))):
        paths[row.hash] = f"{LOGOS}/{row.hash[:20]}.{EXTENSIONS[row.media_type]}"
        (folder / LOGOS).mkdir(exist_ok=True)
        (folder / paths[row.hash]).write_bytes(row.content)
    return paths


def _cells(entry: OrganisationEntry, logos: Mapping[str, str]) -> dict[str, str]:
    profile = entry.profile
    cells = {**profile.notes, "code": profile.organisation.code}
    cells |= {column: profile.values[field] for field, column in FIELDS.items()}
    cells |= {name: logos.get(profile.logos[form], "") for form, (name, _) in LOGO_FORMS.items()}
    for number, each in enumerate(_accepted(entry), 1):
        of = {"name": each.name, "email": each.email, "mail": "" if each.receives else "no"}
        cells |= {f"contact {part} {number}": text for part, text in of.items()}
    return cells


def _accepted(entry: OrganisationEntry) -> list[Contact]:
    return [each for each in entry.contacts if not each.suggested]
