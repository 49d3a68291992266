"""Brand files: a brand.yml, or the partner.yml of a member organisation."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from newsletters.compose.compose import phrases
from newsletters.compose.languages import FindToolkit
from newsletters.documents.document import Document
from newsletters.documents.yaml_with_lines import read_sheet
from newsletters.packs.partner import COLUMNS, YOUR_ADDRESS, partner_brand, read_partner
from newsletters.toolkits.brand import Brand, read_brand_file


def brand_for(written: Document, brand: Path, find: FindToolkit) -> Brand:
    """Return the brand in the file `brand` for the newsletter `written`; raises InputError.

    A partner's brand is based on the toolkit's; if its tool fills in the address, a placeholder takes its place.
    """
    if not _is_partner(brand):
        return read_brand_file(brand)
    partner = read_partner(brand)
    made = partner_brand(partner, find(written.toolkit, written.folder), phrases(written.language))
    return replace(made, footer=replace(made.footer, address=partner.address or YOUR_ADDRESS))


def _is_partner(path: Path) -> bool:
    try:
        return set(read_sheet(path.read_text(encoding="utf-8-sig"), str(path))) <= set(COLUMNS)
    except (OSError, UnicodeDecodeError):
        return False
