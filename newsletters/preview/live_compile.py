"""Compile texts while they are written: one at a time in each process, within limits of time, kept for a while.

What somebody types may be slow to compile, by mistake or on purpose. A text is given up after LONGEST seconds of CPU,
and a person gets a third of one CPU: others wait for that, or are turned away, for a moment only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from time import monotonic, thread_time

from sqlalchemy import Connection

from daisychain.cache import Busy, Cache
from daisychain.errors import InputError
from newsletters.compose.compiler import Compilation, compile_document, own_brand
from newsletters.documents.document import Document
from newsletters.documents.error_list import GaveUpError, Mistakes
from newsletters.people import People
from newsletters.stored.manuscripts import StoredManuscript
from newsletters.toolkit_store.store import UnknownToolkit, named_toolkit
from newsletters.toolkits.toolkit import Toolkit, current_day

# An ordinary text takes 10 to 20 ms; the first one with a toolkit up to 1.4 s, as its pictures are resized.
LONGEST = 3.0
MOST_MISTAKES = 100
# How long a request waits while another text is compiled; it holds one of the desk's few threads.
LONGEST_WAIT = 0.5
# Each second of CPU counts three; somebody may be this far ahead.
SHARE, AHEAD = 3, 12.0


@dataclass(frozen=True)
class LiveCompile:
    """A compiled text, without the parts that have mistakes; None if nothing can be compiled."""

    compilation: Compilation | None
    mistakes: Mistakes


class Turns:
    """Shares CPU among people: runs what somebody asks for, unless they have had more than their share of late."""

    def __init__(self) -> None:
        self._free_at: dict[str, float] = {}
        self._lock = Lock()

    def run(self, who: str, make: Callable[[], LiveCompile]) -> LiveCompile:
        """Return what `make` returns, and count its CPU; raises Busy."""
        if self._free_at.get(who, 0) > monotonic() + AHEAD:
            raise Busy("What you wrote takes long to compile.", hint="Wait for a moment, then look again.")
        began = thread_time()
        try:
            return make()
        finally:
            with self._lock:
                now = monotonic()
                self._free_at = {name: at for name, at in self._free_at.items() if at > now}
                self._free_at[who] = max(now, self._free_at.get(who, 0)) + SHARE * (thread_time() - began)


_LATELY: Cache[LiveCompile] = Cache(32)
_TURNS = Turns()


def live_compile(
    connection: Connection, manuscript: StoredManuscript, language: str, people: People | None, who: str = ""
) -> LiveCompile:
    """Return one language's text, compiled; raises Busy if others' texts, or `who` by theirs, keep us busy."""
    mistakes = Mistakes(collect=True)
    with mistakes:
        document = manuscript.document(language)
        toolkit = _toolkit(connection, document)
        fields = frozenset(people.fields()) if people else frozenset()
        texts = manuscript.contents.texts
        key = (
            manuscript.name, texts[""], language, texts[language], tuple(manuscript.contents.images.items()),
            tuple(manuscript.contents.brands.items()), toolkit.content_hash, fields, current_day(),
        )  # fmt: skip
        try:
            return _LATELY.get(
                key, lambda: _TURNS.run(who, lambda: _compiled(document, toolkit, fields)), longest_wait=LONGEST_WAIT
            )
        except GaveUpError:
            raise InputError(
                "This text takes too long to be looked at while it is written.", file=document.file, line=1,
                hint="It is saved nevertheless. Look for something that is repeated very often.",
            ) from None  # fmt: skip
    return LiveCompile(None, mistakes)


def compile_draft(document: Document, toolkit: Toolkit, who: str) -> Compilation:
    """Return a newsletter compiled with a toolkit that is being written; raises InputError and Busy."""

    def compiled() -> LiveCompile:
        mistakes = Mistakes(collect=False, seconds=LONGEST)
        return LiveCompile(compile_document(document, toolkit, mistakes=mistakes), mistakes)

    try:
        made = _TURNS.run(who, compiled).compilation
    except GaveUpError:
        raise InputError("This text takes too long to be looked at.", file=document.file, line=1) from None
    assert made is not None
    return made


def _compiled(document: Document, toolkit: Toolkit, fields: frozenset[str]) -> LiveCompile:
    mistakes = Mistakes(collect=True, most=MOST_MISTAKES, seconds=LONGEST)
    try:
        with mistakes:
            brand = own_brand(document)
            made = compile_document(document, toolkit, brand=brand, list_fields=fields, mistakes=mistakes)
            return LiveCompile(made, mistakes)
    except GaveUpError:
        if len(mistakes.found) < MOST_MISTAKES:
            raise  # and is not kept: pictures that were resized so far are, and the next try gets further
    return LiveCompile(None, mistakes)


def _toolkit(connection: Connection, document: Document) -> Toolkit:
    try:
        return named_toolkit(document.toolkit, connection)
    except UnknownToolkit as error:
        raise document.wrong("toolkit", error.message, error.hint) from None
