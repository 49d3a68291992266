"""Languages: a newsletter and its translations, each a document beside the first, each member given theirs.

    may.md       the first, in the language that its front matter says
    may.cy.md    its translation; what its front matter leaves out (toolkit, layout, sender …) is as in the first

A reader of any other language gets the `fallback` that the first document declares, or else its own language.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from daisychain.suggestions import nearest
from newsletters.compose.compiler import Compilation, compile_document, own_brand
from newsletters.compose.manuscript import Manuscript, manuscript_of
from newsletters.documents.document import Document
from newsletters.documents.error_list import Mistakes
from newsletters.people import People
from newsletters.toolkits.brand import Brand
from newsletters.toolkits.toolkit import Toolkit

FindToolkit = Callable[[str, Path | None], Toolkit]

P = TypeVar("P", bound=People)


@dataclass(frozen=True)
class Languages:
    """A newsletter in all its languages, the first document's first; `fallback` is one of them."""

    compilations: Mapping[str, Compilation]
    fallback: str

    @property
    def first(self) -> Compilation:
        """The document that the others translate."""
        return next(iter(self.compilations.values()))

    @property
    def unknown(self) -> list[str]:
        """The unknown fields, taken as empty."""
        return sorted({name for made in self.compilations.values() for name in made.unknown})

    def language_for(self, wanted: str | None) -> str:
        """Return the language in which somebody who wants `wanted` gets it."""
        return language_given(wanted, self.compilations, self.fallback)

    def people_for(self, people: People, language: str) -> People:
        """Return the people who get it in `language`."""
        if len(self.compilations) == 1:
            return people
        return speakers(people, language, self.compilations, self.fallback)

    def readers(self, people: People) -> dict[str, int]:
        """Return how many of `people` get it in each language."""
        counts = dict.fromkeys(self.compilations, 0)
        for code, count in people.languages().items():
            counts[self.language_for(code)] += count
        return counts


def language_given(wanted: str | None, languages: Iterable[str], fallback: str) -> str:
    """Return the one of `languages` for somebody who wants `wanted`: that one, its main one, or the fallback.

    `sender.delivery.campaign_emails.email_given` is the same rule in SQL.
    """
    known = {language.lower(): language for language in languages}
    code = (wanted or "").strip().lower().replace("_", "-")
    while code:
        if code in known:
            return known[code]
        code = code.rpartition("-")[0]
    return fallback


def speakers(people: P, language: str, languages: Collection[str], fallback: str) -> P:
    """Return the people who get `language`, which is one of `languages`."""
    codes = [code for code in people.languages() if language_given(code, languages, fallback) == language]
    return people.speaking(codes)


def compile_languages(
    written: Path | Manuscript,
    find: FindToolkit,
    *,
    brand: Brand | None = None,
    list_fields: frozenset[str] = frozenset(),
    mistakes: Mistakes | None = None,
    any_field: bool = False,
) -> Languages:
    """Return a newsletter (a file, or a manuscript) in all its languages; raises InputError with file and line.

    `find` returns a toolkit by its name and the document's folder, if it has one. Without a `brand` the document's own
    is used: the file that it names, or `brand.yml` beside it.
    """

    def compiled(document: Document) -> Compilation:
        toolkit = find(document.toolkit, document.folder)
        own = brand or own_brand(document)
        return compile_document(
            document, toolkit, brand=own, list_fields=list_fields, mistakes=mistakes, any_field=any_field
        )

    documents = manuscript_of(written).documents()
    first = compiled(next(documents))
    compilations = {first.document.language: first}
    for each in documents:
        made = compiled(each)
        document, language = made.document, made.document.language
        if twin := next((code for code in compilations if code.lower() == language.lower()), None):
            message = f"The language {language!r} is used twice, also in {compilations[twin].document.file}."
            raise document.wrong("language", message)
        if document.fallback:
            message = "A translation can't say what to fall back on."
            raise document.wrong("fallback", message, f"Say it in {Path(first.document.file).name}.")
        compilations[language] = made
    document = first.document
    fallback = document.fallback or document.language
    if fallback not in compilations:
        message = f"There is no newsletter in {fallback!r} to fall back on."
        raise document.wrong("fallback", message, nearest(fallback, compilations))
    return Languages(compilations, fallback)
