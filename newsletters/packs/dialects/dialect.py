"""Dialects: how each tool writes a name, an unsubscribe link and an address; one TOML file each.

name          what its users call the tool
also          other names of it that people may type
steps         what a person does, in order; the pack adds "send yourself a test"
then          what follows the test, if that is more than to send it
picture_step  how its users get pictures in, if they have to be uploaded and then shown by their address
code          whether people paste the page's code; the README then has a button that copies it
zip           "one folder" or "pictures": the pack has a zip of page and pictures side by side, or of the folder images
unsubscribe, view, address      as written in the page; empty: the tool adds it, or has none
organisation                    the tool's own tag for the sender's name, for packs without branding
unsubscribe_element, view_element   whole elements with {words}, for a tool that takes no link there
unsubscribe_text, view_text     as written in the plain text, if that differs
reply_to_leave                  true if only the sender can take a person off the list
address_by_tool                 true if the tool adds the postal address
names_sender                    true if its address, or the footer that it adds, names the sender too
languages                       of the page behind `unsubscribe`, English first, for {language} in it
simple                          true if the page has to be one plain column, to be selected and pasted
draft                           true if it is a mailbox, which opens a draft
plain_subject                   true if the tool fills in no fields in subjects
largest                         bytes that the page may have at most; 0: no limit is known
tag, with_default               a field; {name} and {default} are filled in
default_in_tool                 what to do if `with_default` can't hold the words for people without a value
other_fields                    how fields of your own are spelled: upper, lower, or "" for not at all
must_have                       what the tool refuses a campaign without
[names]                         the tool's names of our fields
[lists]                         what its lists call them, if that differs
[tags]                          fields that are not written as `tag` says, by the tool's name
[condition]                     if, else, end; {name} is the field that must have a value
[[never]]                       pattern, why: text that the content must not have, as the tool would take it for its own
[[rewrite]]                     pattern, with, why, part (page or text): text that is rewritten for this tool
[sources]                       where each fact comes from
[uncertain]                     what to check before sending, if a fact could not be confirmed
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from daisychain.errors import InputError

ALL = "all"


@dataclass(frozen=True)
class ConditionTags:
    """The tags that show a part only to people who have a value in a field."""

    begin: str
    otherwise: str
    end: str


@dataclass(frozen=True)
class Never:
    """Text that the content must not have, and why."""

    pattern: re.Pattern[str]
    why: str


@dataclass(frozen=True)
class Rewrite:
    """Text that is rewritten for one tool, and why."""

    pattern: re.Pattern[str]
    by: str
    why: str
    part: Literal["page", "text"] = "page"


@dataclass(frozen=True)
class Dialect:
    """One tool's way of writing; `key` is the name of its file, and of the option `--for`."""

    key: str
    name: str
    steps: tuple[str, ...]
    also: tuple[str, ...] = ()
    then: tuple[str, ...] = ("Send it.",)
    picture_step: str = ""
    code: bool = False
    zip: Literal["one folder", "pictures", ""] = ""
    unsubscribe: str = ""
    view: str = ""
    address: str = ""
    organisation: str = ""
    unsubscribe_element: str = ""
    view_element: str = ""
    unsubscribe_text: str = ""
    view_text: str = ""
    reply_to_leave: bool = False
    address_by_tool: bool = False
    names_sender: bool = False
    languages: tuple[str, ...] = ()
    simple: bool = False
    draft: bool = False
    plain_subject: bool = False
    largest: int = 0
    tags: Mapping[str, str] = field(default_factory=dict)
    tag: str = ""
    with_default: str = ""
    default_in_tool: str = ""
    other_fields: Literal["upper", "lower", ""] = ""
    must_have: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, str] = field(default_factory=dict)
    condition: ConditionTags | None = None
    never: tuple[Never, ...] = ()
    rewrite: tuple[Rewrite, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)
    uncertain: Mapping[str, str] = field(default_factory=dict)

    @property
    def in_subjects(self) -> Dialect:
        """The dialect as it is in subjects and preview texts."""
        return replace(self, tag="", with_default="", condition=None) if self.plain_subject else self

    def in_language(self, code: str) -> Dialect:
        """Return the dialect with the unsubscribe page in that language, or in English if the tool has no other."""
        if not self.languages:
            return self
        own = code.split("-")[0].upper()
        chosen = own if own in self.languages else self.languages[0]
        unsubscribe = self.unsubscribe.replace("{language}", chosen)
        return replace(self, unsubscribe=unsubscribe, must_have=(unsubscribe,))

    def field_name(self, ours: str) -> str | None:
        """Return the tool's name of our field; None if it can't have it."""
        if ours in self.names or ours == "language":
            return self.names.get(ours)
        return {"upper": ours.upper(), "lower": ours.lower(), "": None}[self.other_fields]


@cache
def dialects() -> Mapping[str, Dialect]:
    """Return all dialects by their key; a file that is wrong raises TypeError or ValueError."""
    folder = files(__package__ or "")
    found = {
        entry.name.removesuffix(".toml"): tomllib.loads(entry.read_text(encoding="utf-8"))
        for entry in folder.iterdir()
        if entry.name.endswith(".toml")
    }
    return {key: _dialect(key, found[key]) for key in sorted(found)}


def tool_name(key: str) -> str:
    """Return the name of the tool of a dialect; of one that is gone, its key."""
    return found.name if (found := dialects().get(key)) else key


def each_dialect(words: str) -> Iterator[Dialect | InputError]:
    """Yield the dialects in `words`, a list with commas or `all`, and an error for each word that is none."""
    known = dialects()
    shown = _by_shown_name()
    # The name of the mailboxes has a comma in it.
    whole = " ".join(words.lower().split())
    keys = [whole] if whole in shown else [" ".join(word.split()) for word in whole.split(",") if word.strip()]
    if not keys:
        yield InputError("No tool is named.", hint=f"Known: {', '.join(known)}, or {ALL}.")
    for key in known if keys == [ALL] else dict.fromkeys(shown.get(key, key) for key in keys):
        yield known.get(key) or InputError(f"There is no tool {key!r}.", hint=_nearest_tool(key))


@cache
def _by_shown_name() -> Mapping[str, str]:
    """Return the key of each tool by its names as people see them, in small letters."""
    shown = {each.name.lower(): key for key, each in dialects().items()}
    return shown | {name.lower(): key for key, each in dialects().items() for name in each.also}


def _nearest_tool(word: str) -> str:
    known = dialects()
    close = get_close_matches(word, [*known, *_by_shown_name()], n=1)
    if not close:
        return f"Known: {', '.join(f'{each.name} ({key})' for key, each in known.items())}."
    key = _by_shown_name().get(close[0], close[0])
    return f"Did you mean {key!r}, for {known[key].name}?"


def _dialect(key: str, content: Mapping[str, Any]) -> Dialect:
    values = dict(content)
    condition = values.pop("condition", None)
    return Dialect(
        key=key,
        steps=tuple(values.pop("steps")),
        also=tuple(values.pop("also", ())),
        then=tuple(values.pop("then", ("Send it.",))),
        must_have=tuple(values.pop("must_have", ())),
        languages=tuple(values.pop("languages", ())),
        condition=ConditionTags(condition["if"], condition["else"], condition["end"]) if condition else None,
        never=tuple(Never(re.compile(each["pattern"]), each["why"]) for each in values.pop("never", ())),
        rewrite=tuple(
            Rewrite(re.compile(each["pattern"], re.DOTALL), each["with"], each["why"], each.get("part", "page"))
            for each in values.pop("rewrite", ())
        ),
        **values,
    )
