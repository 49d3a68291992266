"""Contents: everything that one version of a newsletter is made of, and what may be written into it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

from daisychain.errors import InputError
from newsletters.documents.text_files import MAX_TEXT_BYTES

MAX_LANGUAGES, MAX_PICTURES = 40, 200

_LANGUAGE = re.compile(r"|[a-z]{2}(-[A-Za-z0-9]{2,8})*")
# PostgreSQL stores neither a zero character nor half of a pair, and no compiler reads them.
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")

V = TypeVar("V")


@dataclass(frozen=True)
class Contents:
    """Texts by language (the first under ""), pictures by path as hashes, and a brand's YAML by path."""

    texts: Mapping[str, str]
    images: Mapping[str, str] = field(default_factory=dict)
    brands: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return plain dicts, as the database keeps them."""
        return asdict(self)


@dataclass(frozen=True)
class Change:
    """Changes of the contents; None removes an entry, and others stay."""

    texts: Mapping[str, str | None] = field(default_factory=dict)
    images: Mapping[str, str | None] = field(default_factory=dict)
    brands: Mapping[str, str | None] = field(default_factory=dict)

    def applied(self, contents: Contents) -> Contents:
        """Return the contents with this change; raises InputError for a text that can't be stored."""
        for language, text in self.texts.items():
            if not _LANGUAGE.fullmatch(language):
                raise InputError(f"{language!r} is no language.", hint="Write a code such as cy, ar or en-GB.")
            if text is not None:
                _refuse_unstorable(text, language)
        for path in (*self.images, *self.brands):
            if path.startswith("/") or "\\" in path or "\0" in path or ".." in path.split("/"):
                raise InputError(f"The file {path!r} must be in the newsletter's own folder.")
        made = Contents(
            _merged(contents.texts, self.texts), _merged(contents.images, self.images),
            _merged(contents.brands, self.brands),
        )  # fmt: skip
        if "" not in made.texts:
            raise InputError("The first text of a newsletter can't be removed.", hint="Delete the newsletter instead.")
        for what, count, most in (
            ("languages", len(made.texts), MAX_LANGUAGES), ("pictures", len(made.images), MAX_PICTURES),
        ):  # fmt: skip
            if count > most:
                raise InputError(f"A newsletter has at most {most} {what}, not {count}.")
        return made


def _refuse_unstorable(text: str, language: str) -> None:
    size = len(text.encode(errors="replace"))
    if size > MAX_TEXT_BYTES:
        raise InputError(f"This text is too large: {size:,} bytes, and {MAX_TEXT_BYTES:,} are allowed.")
    if found := _UNSTORABLE.search(text):
        line = text.count("\n", 0, found.start()) + 1
        file = f"the text in {language}" if language else "the text"
        raise InputError("There is a character here that can't be stored.", file=file, line=line)


def _merged(old: Mapping[str, V], new: Mapping[str, V | None]) -> dict[str, V]:
    kept = {key: value for key, value in old.items() if key not in new}
    return dict(sorted({**kept, **{key: value for key, value in new.items() if value is not None}}.items()))
