"""Packs: all files for one partner and one tool, from the page to paste to the page that says how."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from daisychain.errors import InputError
from newsletters.packs.dialects import Dialect
from newsletters.packs.edition import Edition
from newsletters.packs.material import Material
from newsletters.packs.outline import outline
from newsletters.packs.partner import Partner
from newsletters.packs.provenance import SHEET, provenance
from newsletters.packs.readme import readme
from newsletters.packs.simple import paste_files, simple_page
from newsletters.packs.writing import Written, refuse_collisions, source

# One moment for all files of a zip, so that the same pack is the same file.
_MOMENT = (1980, 1, 1, 0, 0, 0)
# Packed already; a draft is nearly all pictures, and to make it a third smaller took a quarter of a pack's time.
_STORED = (".png", ".jpg", ".gif", ".webp", ".zip", ".eml")
_TEXT_CELL = re.compile(r'(<td\b[^>]*\bclass="[^"]*\bwords\b[^"]*"[^>]*>\s*<div\b)')
_MAILCHIMP = "mailchimp"

# A shorter title of a copy block says too little to be a subject.
_SUBJECT_WORDS = 5
_CHOICES = 6
_SENTENCE = re.compile(r"(?<=[.:;!?])\s+")


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
        """What its folder or zip is called."""
        return "-".join(filter(None, (self.partner.code if self.partner else self.edition.name, self.dialect.key)))


def make_pack(material: Material, dialect: Dialect, preview: bytes = b"") -> Pack:
    """The pack of `material` for `dialect`, with a picture of the page where there is one; raises InputError."""
    email = material.compilation.email
    refuse_collisions(email, dialect)
    written = material.write(dialect)
    items = outline(written.html)
    brand = material.compilation.toolkit.brand
    page = simple_page(items, email.title, brand, email.language, email.direction) if dialect.simple else written.html
    texts = {
        "email.html": page,
        "email.txt": material.marked(written.text),
        "subjects.txt": _subjects(written, material),
        "source/newsletter.mjml": _source(material, dialect),
    }
    texts |= {f"paste/{name}": text for name, text in paste_files(items).items()}
    files = dict(material.files) | {path: text.encode() for path, text in texts.items()}
    if dialect.simple and not material.draft:
        raise InputError(f"{dialect.name} can't show a part to some people only.", hint="Write one text for everybody.")
    if dialect.key == _MAILCHIMP:
        files["mailchimp.zip"] = mailchimp_zip(material, written)
    if preview:
        files["preview.png"] = preview
    key = pack_key(material.edition, material.partner, dialect)
    html, text = readme(material, dialect, written, key, files)
    files |= {"README.html": html.encode(), "README.txt": text.encode()}
    sheet = provenance(material, dialect, key, files)
    files[SHEET] = (json.dumps(sheet, indent=2, ensure_ascii=False) + "\n").encode()
    return Pack(key, material.edition, material.partner, dialect, files)


def _source(material: Material, dialect: Dialect) -> str:
    wording = material.wording(dialect, "../images/")
    return source(material.compilation.mjml, material.compilation.email, dialect, wording, material.mark)


def pack_key(edition: Edition, partner: Partner | None, dialect: Dialect) -> str:
    """22 signs that name a pack on its public page; the same pack made again keeps them."""
    told = "\0".join((edition.hash, partner.name if partner else "", dialect.key))
    return base64.urlsafe_b64encode(hashlib.sha256(told.encode()).digest()[:16]).decode().rstrip("=")


def mailchimp_zip(material: Material, written: Written) -> bytes:
    """One page and its pictures side by side, with regions that can be edited in Mailchimp."""
    beside = {f"images/{name}": name for name in material.names.values()}
    page = re.sub(r'(?<=")images/[^"]+', lambda source: beside.get(source[0], source[0]), written.html)
    count = 0

    def region(match: re.Match[str]) -> str:
        nonlocal count
        count += 1
        return f'{match[1]} mc:edit="text{count}"'

    files = {"newsletter.html": _TEXT_CELL.sub(region, page).encode()}
    if not material.edition.choices.hosted:
        files |= {name: material.compilation.image_contents[hash_] for hash_, name in material.names.items()}
    return zipped(files)


def zipped(files: Mapping[str, bytes]) -> bytes:
    """A zip of `files`, the same for the same files."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(files):
            packing = zipfile.ZIP_STORED if path.endswith(_STORED) else zipfile.ZIP_DEFLATED
            archive.writestr(zipfile.ZipInfo(path, _MOMENT), files[path], compress_type=packing)
    return target.getvalue()


def save(pack: Pack, out: Path, *, as_zip: bool) -> Path:
    """Write the pack into `out`, as a folder or a zip of its name, in place of an older pack there."""
    target = out / f"{pack.name}.zip" if as_zip else out / pack.name
    try:
        out.mkdir(parents=True, exist_ok=True)
        if as_zip:
            target.write_bytes(zipped({f"{pack.name}/{path}": content for path, content in pack.files.items()}))
            return target
        _make_room(target)
        for path, content in pack.files.items():
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            (target / path).write_bytes(content)
    except OSError as error:
        raise InputError(f"The pack can't be written: {error.strerror}.", file=target) from None
    return target


def _make_room(target: Path) -> None:
    if not target.exists():
        return
    if not (target / SHEET).is_file():
        raise InputError(
            f"There is something in {str(target)!r} that is no pack.", hint="Choose another folder with --out."
        )
    shutil.rmtree(target)


def _subjects(written: Written, material: Material) -> str:
    email, toolkit = material.compilation.email, material.edition.toolkit
    titles = [use.title for use in email.copy_blocks if len(use.title.split()) >= _SUBJECT_WORDS]
    subjects = [written.subject, email.title, *titles]
    previews = [written.preheader, *_SENTENCE.split(toolkit.summary)]
    return "\n".join(
        [
            "SUBJECT LINES",
            "",
            *_numbered(subjects),
            "",
            "PREVIEW TEXT (what inboxes show behind the subject)",
            "",
            *_numbered(previews),
            "",
        ]
    )


def _numbered(lines: list[str]) -> list[str]:
    distinct: dict[str, str] = {}
    for line in lines:
        words = " ".join(line.split())
        if words:
            distinct.setdefault(words.rstrip(".").casefold(), words[:1].upper() + words[1:])
    return [f"{number}. {line}" for number, line in enumerate(list(distinct.values())[:_CHOICES], start=1)]
