"""Packs: all files for one partner and one tool, from the page to paste to its README."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from daisychain.atomic_files import replacing
from daisychain.errors import InputError
from newsletters.packs.dialect_writer import Written, refuse_collisions, source
from newsletters.packs.dialects.dialect import Dialect
from newsletters.packs.edition import Edition
from newsletters.packs.material import Material
from newsletters.packs.pack_reader import read_pack
from newsletters.packs.pack_status import row_of
from newsletters.packs.partner import Partner
from newsletters.packs.partner_codes import name_key
from newsletters.packs.paste_files import paste_files, without_parts
from newsletters.packs.preview_files import preview_files
from newsletters.packs.provenance import SHEET, provenance
from newsletters.packs.readme import readme
from newsletters.packs.subject_lines import subjects_file
from newsletters.packs.zip_files import import_zip, zipped


@dataclass(frozen=True)
class Pack:
    """A finished pack; `key` names its public page, `files` are its contents by path."""

    key: str
    edition: Edition
    partner: Partner | None
    dialect: Dialect
    files: Mapping[str, bytes] = field(repr=False)

    @property
    def name(self) -> str:
        """The name of its folder or zip."""
        whose = self.partner.code if self.partner else self.edition.name
        return "-".join(filter(None, (whose, self.dialect.key, self.edition.translated if self.partner else "")))

    @property
    def row(self) -> dict[str, Any]:
        """Its row in the table of packs."""
        sheet_hash = hashlib.sha256(self.files[SHEET]).hexdigest()
        return row_of(self.key, self.edition, self.partner, self.dialect, sheet_hash)


def make_pack(material: Material, dialect: Dialect) -> Pack:
    """Return the pack of `material` for `dialect`; raises InputError."""
    dialect = dialect.in_language(material.edition.language)
    written, simple = _write(material, dialect)
    texts = {
        "email.html": without_parts(simple.html) if dialect.simple else written.html,
        "email.txt": material.marked(written.text),
        "subjects.txt": subjects_file(written, material, dialect),
        "source/newsletter.mjml": _source(material, dialect),
    }
    texts |= paste_files(material.marked(simple.text), simple.html)
    files = dict(material.files) | {path: text.encode() for path, text in texts.items()}
    if dialect.draft:
        files["draft.eml"] = material.draft
    if archive := import_zip(material, dialect, written):
        files[f"{dialect.key}.zip"] = archive
    files |= preview_files(material, dialect)
    key = pack_key(material.edition, material.partner, dialect)
    html, text = readme(material, dialect, written, key, files)
    files |= {"README.html": html.encode(), "README.txt": text.encode()}
    sheet = provenance(material, dialect, key, files)
    files[SHEET] = (json.dumps(sheet, indent=2, ensure_ascii=False) + "\n").encode()
    return Pack(key, material.edition, material.partner, dialect, files)


def refuse_unfit(material: Material, dialect: Dialect) -> None:
    """Raise InputError if there can be no pack of `material` for `dialect`."""
    _write(material, dialect.in_language(material.edition.language))


def _write(material: Material, dialect: Dialect) -> tuple[Written, Written]:
    """Return the email in `dialect`, and without layout."""
    refuse_collisions(material.compilation.email, dialect, material.partner.address if material.partner else "")
    written, simple = material.write(dialect), material.write_simple(dialect)
    if dialect.draft and not material.draft:
        raise InputError(f"{dialect.name} can't show a part to some people only.", hint="Write one text for everybody.")
    return written, simple


def _source(material: Material, dialect: Dialect) -> str:
    wording = material.wording(dialect, "../images/")
    return source(material.compilation.mjml, material.compilation.email, dialect, wording, material.mark)


def pack_key(edition: Edition, partner: Partner | None, dialect: Dialect) -> str:
    """Return 22 signs that name a pack on its public page; the same pack made again keeps them."""
    parts = "\0".join((edition.hash, partner.name if partner else "", dialect.key))
    return base64.urlsafe_b64encode(hashlib.sha256(parts.encode()).digest()[:16]).decode().rstrip("=")


def save(pack: Pack, out: Path, *, as_zip: bool) -> Path:
    """Write the pack into `out`, as a folder or a zip of its name, in place of an older pack there."""
    target = out / f"{pack.name}.zip" if as_zip else out / pack.name
    try:
        out.mkdir(parents=True, exist_ok=True)
        _refuse_others(pack, target)
        if as_zip:
            with replacing(target) as file:
                file.write(zipped({f"{pack.name}/{path}": content for path, content in pack.files.items()}))
            return target
        if target.exists():
            shutil.rmtree(target)
        for path, content in pack.files.items():
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            (target / path).write_bytes(content)
    except OSError as error:
        raise InputError(f"The pack can't be written: {error.strerror}.", file=target) from None
    return target


def _refuse_others(pack: Pack, target: Path) -> None:
    """Raise InputError if something is at `target` that is not an older pack of the same partner."""
    if target.is_symlink() or not target.exists():  # a link is replaced, and not what it leads to
        return
    other = "Choose another folder with --out."
    try:
        whose = read_pack(target).sheet.get("partner")
    except InputError:
        raise InputError(f"{str(target)!r} holds something that is not a pack.", hint=other) from None
    holder = str(whose.get("name", "")) if isinstance(whose, Mapping) else ""
    names = (pack.partner.name, pack.partner.formerly or pack.partner.name) if pack.partner else ("",)
    if name_key(holder) not in map(name_key, names):
        raise InputError(f"{str(target)!r} holds the pack of {holder or 'nobody (without branding)'}.", hint=other)
