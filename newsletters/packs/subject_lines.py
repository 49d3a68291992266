"""Subject lines and preview texts to choose from: the newsletter's own, or else from its copy and toolkit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from newsletters.packs.dialect_writer import Written, write_lines
from newsletters.packs.dialects.dialect import Dialect
from newsletters.packs.material import Material

# A shorter title of a copy block says too little to be a subject.
_WORDS = 5
_MOST = 6
_SENTENCE = re.compile(r"(?<=[.:;!?])\s+")


def subjects_file(written: Written, material: Material, dialect: Dialect) -> str:
    """Return the file subjects.txt; raises InputError if one of them can't be written in `dialect`."""
    email = material.compilation.email
    others = [write_lines(each, dialect, material.wording(dialect)) for each in material.compilation.alternatives]
    subjects = [written.subject, *(subject for subject, _ in others)]
    previews = [written.preheader, *(preheader for _, preheader in others)]
    edition = material.edition
    foreign: list[str] = []
    if not edition.document.subjects:
        subjects.append(email.title)
        for use in email.copy_blocks:
            if len(use.title.split()) >= _WORDS:
                (foreign if edition.is_foreign(edition.toolkit.copy[use.id].body) else subjects).append(use.title)
    if not edition.document.preheaders:
        summary = edition.toolkit.summary
        (foreign if edition.is_foreign(summary) else previews).extend(_SENTENCE.split(summary))
    return "\n".join([*_listed("SUBJECT LINES", subjects),
                      *_listed("PREVIEW TEXT (what inboxes show behind the subject)", previews),
                      *(_listed("IN ENGLISH, TO TRANSLATE", foreign) if foreign else ())])  # fmt: skip


def _listed(title: str, lines: Iterable[str]) -> Iterator[str]:
    yield from (title, "")
    distinct: dict[str, str] = {}
    for line in lines:
        words = " ".join(line.split())
        if words:
            distinct.setdefault(words.rstrip(".").casefold(), words[:1].upper() + words[1:])
    for number, line in enumerate(list(distinct.values())[:_MOST], start=1):
        yield f"{number}. {line}"
    yield ""
