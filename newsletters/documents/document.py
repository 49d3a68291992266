"""Read newsletter documents: YAML front matter, then Markdown with block directives and expressions.

---
subject: Kindness, next door
toolkit: community-makes-us
---
Dear {{ member.first_name | default("friend") }},
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parseaddr
from pathlib import Path

from daisychain.errors import InputError
from daisychain.text_direction import direction_of
from newsletters.documents.characters import characters
from newsletters.documents.front_matter import split
from newsletters.documents.language_names import LANGUAGE
from newsletters.documents.text_files import read_text
from newsletters.documents.yaml_with_lines import YamlMapping

KEYS = (
    "subject", "preheader", "toolkit", "brand", "layout", "language", "fallback", "title", "from", "reply_to", "fields",
    "subjects", "preheaders", "shorter",
)  # fmt: skip

# Every member has these fields; a document lists others under `fields`.
MEMBER_FIELDS = frozenset({"email", "first_name", "last_name", "language"})

# Two letters only: `may.old.md` or `may.bak.md` is no translation.
_IN_A_NAME = re.compile(r"[a-z]{2}(-[A-Za-z0-9]{2,8})*")
_MAILBOX = re.compile(r'(?:"[^"<>]+"\s*|[^"<>@,;]*)<[^<>\s]+>|[^"<>\s,;]+')
_FIELD = re.compile(r"[a-z_][a-z0-9_]*")
_HINT = 'A newsletter begins with a line of ---, then "subject: …", "toolkit: …" and so on, then a line of ---.'


@dataclass(frozen=True)
class Document:
    """A newsletter as written; `body_line` is the body's first line in `file`, `lines` has the line of each key.

    `files` are its pictures and its brand, by path, if it is kept in the database and not in a `folder`.
    """

    file: str
    folder: Path | None
    subject: str
    preheader: str
    toolkit: str
    layout: str
    language: str
    title: str
    from_address: str
    reply_to: str
    fields: frozenset[str]
    body: str
    body_line: int
    source: str  # the whole text, front matter and body
    brand: str = ""  # a file, as seen from the document's folder; empty: the toolkit's brand
    fallback: str = ""  # the language for those whose own is not there; empty: this document's
    subjects: tuple[str, ...] = ()  # others that partners may choose, and so the preheaders
    preheaders: tuple[str, ...] = ()
    shorter: bool = False  # a translation that leaves parts of the first document out on purpose
    lines: dict[str, int] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False, compare=False)

    @property
    def direction(self) -> str:
        """Return `rtl` for languages that are written from right to left, else `ltr`."""
        return direction_of(self.language)

    def wrong(self, key: str, message: str, hint: str = "") -> InputError:
        """Return the error `message` at a front matter key, or at the front matter if the key is missing."""
        return InputError(message, file=self.file, line=self.lines.get(key, 1), hint=hint)

    def place(self, key: str) -> str:
        """Return `file:line` of a front matter key, or of the front matter if the key is missing."""
        return f"{self.file}:{self.lines.get(key, 1)}"


def read_document(path: Path) -> Document:
    """Return the document in the file `path`; raises InputError with file and line.

    A translation (`may.cy.md` beside `may.md`) takes the keys that it lacks from the first document.
    """
    first = first_of(path)
    text = read_text(path, "There is no newsletter")
    return parse_document(text, str(path), path.parent, read_document(first) if first else None, language_of(path))


def language_of(path: Path) -> str:
    """Return the language in a translation's name, such as `cy` for `may.cy.md`; empty for other names."""
    code = Path(path.stem).suffix.removeprefix(".")
    return code if _IN_A_NAME.fullmatch(code) else ""


def first_of(path: Path) -> Path | None:
    """Return the document that `path` translates, or None."""
    first = path.with_name(f"{Path(path.stem).stem}{path.suffix}")
    return first if language_of(path) and first.is_file() else None


def parse_document(
    text: str,
    file: str,
    folder: Path | None,
    first: Document | None = None,
    language: str = "",
    files: Mapping[str, bytes] | None = None,
) -> Document:
    """Return the document in `text`, whose images and toolkit are in `folder`, or images in `files`; raises InputError.

    A translation into `language` takes what it lacks from the `first` document.
    """
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    _refuse_controls(lines, file)
    parts = split(lines, file, hint=_HINT)
    sheet = parts.sheet
    sheet.allow(KEYS, "A newsletter")
    return Document(
        file=file,
        folder=folder,
        subject=_one_line(sheet, "subject"),
        preheader=_one_line(sheet, "preheader"),
        toolkit=sheet.text("toolkit", first.toolkit if first else None),
        layout=sheet.text("layout", first.layout if first else "bulletin"),
        language=_language(sheet, language if first else ""),
        title=_one_line(sheet, "title"),
        from_address=_address(sheet, "from") or (first.from_address if first else ""),
        reply_to=parseaddr(_address(sheet, "reply_to"))[1] or (first.reply_to if first else ""),
        fields=_fields(sheet) | (first.fields if first else frozenset()),
        body="\n".join(parts.body),
        body_line=parts.body_line,
        source="\n".join(lines),
        brand=_one_line(sheet, "brand") or (first.brand if first else ""),
        fallback=_one_line(sheet, "fallback"),
        subjects=_lines(sheet, "subjects"),
        preheaders=_lines(sheet, "preheaders"),
        shorter=_shorter(sheet, is_translation=first is not None),
        lines={key: sheet.line_of(key) for key in sheet},
        files=files or {},
    )


def _refuse_controls(lines: list[str], file: str) -> None:
    for number, line in enumerate(lines, start=1):
        if any(sign < " " and sign != "\t" for sign in line):
            raise InputError("There is a control character in this line.", file=file, line=number)


def _one_line(sheet: YamlMapping, key: str) -> str:
    return " ".join(characters(sheet.text(key, "")).split())


def _lines(sheet: YamlMapping, key: str) -> tuple[str, ...]:
    return tuple(" ".join(characters(text).split()) for text in sheet.texts(key))


def _shorter(sheet: YamlMapping, *, is_translation: bool) -> bool:
    """Return whether a translation says that it is shorter on purpose, with `yes` or with a reason."""
    if "shorter" in sheet and not is_translation:
        sheet.fail("Only a translation can be shorter than the first document.", "shorter", hint="Delete this line.")
    return _one_line(sheet, "shorter").casefold() not in ("", "no", "false")


def _language(sheet: YamlMapping, named: str) -> str:
    language = sheet.text("language", named or "en")
    if named and language != named:
        sheet.fail(f"The name of this file says {named!r}, and this line {language!r}.", "language", hint="Change one.")
    if not LANGUAGE.fullmatch(language):
        sheet.fail(f"{language!r} is no language.", "language", hint="Write a code such as en, cy, ar or en-GB.")
    return language


def _address(sheet: YamlMapping, key: str) -> str:
    from email_validator import EmailNotValidError, validate_email

    value = _one_line(sheet, key)
    if value:
        hint = "Write: Name <name@example.org>, with a name that has a comma or @ in double quotes."
        if any(sign in value for sign in ("{{", "{%", "*|")):
            sheet.fail(f"{key!r} is the same for everybody: it can't hold a merge field.", key, hint=hint)
        if value.count("<") > value.count(">"):
            sheet.fail(f"The address of {key!r} is not closed.", key, hint=hint)
        if not _MAILBOX.fullmatch(value):
            sheet.fail(f"{key!r} must be one name and one address.", key, hint=hint)
        try:
            validate_email(parseaddr(value)[1], check_deliverability=False, test_environment=True)
        except EmailNotValidError as error:
            sheet.fail(f"{key!r} is no address: {error}", key, hint=hint)
    return value


def _fields(sheet: YamlMapping) -> frozenset[str]:
    if "fields" not in sheet:
        return frozenset()
    fields = sheet.words("fields")
    for name in fields:
        if not _FIELD.fullmatch(name):
            sheet.fail(f"{name!r} is no name for a field.", "fields", hint="Use small letters, digits and _.")
    return frozenset(fields)
