"""The words that say who must not be mailed, in headings and cells; the lists of them are in opt_out_words.yml."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from daisychain.slug import slug, spelled

# What a cell says: opted out of this list, never to be mailed, or not understood; "" is no objection.
LEFT, NEVER, ASK = "left", "never", "ask"
ELSEWHERE = "elsewhere"  # the meaning of a column about another channel, whatever its cells say
# Of a heading that fits several, the first one counts; "never" and "left" are both "opt-out".
_MEANINGS = (
    "status", "state", "other status", "never", "left", "opt-in", "wish", "perhaps in", "perhaps out", "suggests",
)  # fmt: skip
_ENGLISH_YES = frozenset({
    "yes", "y", "true", "t", "1", "1.0", "-1", "x", "on", "checked", "ticked", "✓", "✔", "☑", "✅", "[x]",
})  # fmt: skip
_ENGLISH_NO = frozenset({
    "no", "n", "false", "f", "0", "0.0", "off", "unchecked", "no thanks", "no thank you", "✗", "✘", "☐", "❌", "[ ]",
})  # fmt: skip
# Only words that are no "no" in another language: "jo" is a yes in Danish and a no in Albanian, so it is asked about.
_YES = _ENGLISH_YES | {
    "j", "ja", "wahr", "oui", "vrai", "si", "sí", "sì", "verdadero", "vero", "ie", "ydw", "ydy", "oes", "gwir",
    "sand", "sant", "waar", "kyllä", "kylla", "sim", "verdadeiro", "tak", "prawda", "ano", "áno", "pravda", "igen",
    "igaz", "da", "adevărat", "adevarat", "ναι", "ναί", "nai", "tá", "sea", "is ea", "fíor", "jah", "jā", "taip",
    "bai", "já", "iva", "evet", "да", "так", "ja tak", "ja takk", "ja tack",
}  # fmt: skip
# "ne" is a no, although Greek in Latin letters has it for a yes: too little mail is the lesser evil.
_NO = _ENGLISH_NO | {
    "nein", "falsch", "non", "faux", "falso", "nage", "nac ydw", "nac ydy", "nac oes", "anwir", "nej", "falsk",
    "nee", "onwaar", "nei", "ikke", "ei", "epätosi", "não", "nao", "nie", "fałsz", "falsz", "ne", "nepravda", "nem",
    "hamis", "nu", "fals", "όχι", "οχι", "ochi", "oxi", "níl", "ní hea", "bréagach", "nē", "ez", "hayır", "hayir",
    "не", "нет", "ні", "nej tak", "nei takk", "nej tack", "nee bedankt", "nein danke", "non merci", "no gracias",
    "no grazie", "não obrigado", "nie dziękuję", "ne děkuji",
}  # fmt: skip
# The answers, as many headings end with them: "Newsletter? ja/nein".
_ANSWERS = "|".join(
    rf"(?:{yes})_(?:or_|oder_|ou_|eller_|of_)?(?:{no})|(?:{no})_(?:or_|oder_|ou_|eller_|of_)?(?:{yes})"
    for yes, no in (("yes|y", "no|n"), ("ja|j", "nein|nej|nei|nee|n"), ("oui|o", "non|n"), ("si|sim|s", "no|nao|n"),
                    ("true|t", "false|f"), ("ie|ydw|oes", "na|nac_ydw|nac_oes"), ("1", "0"), ("kylla|k", "ei|e"),
                    ("tak|t|ano|a|da|d|nai", "nie|ne|nu|ochi|n"), ("igen|i", "nem|n"))
)  # fmt: skip
_ASKS = re.compile(rf"(?<=_)(?:{_ANSWERS})_$")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_GREEK = str.maketrans({
    **dict(zip("αβγδεζηικλμνξοπρσςτυφω", "avgdeziiklmnxoprsstyfo", strict=True)),
    "θ": "th", "χ": "ch", "ψ": "ps",
})  # fmt: skip
# An empty date as databases write it, and a dash.
_EMPTY = re.compile(
    r"|\(?null\)?|n/a|[-–—.]|nan|nat|0000-00-00.*|0001-01-01.*|0?[01]/0?[01]/000[01].*|00[./-]00[./-]0000.*|1899-12-3.*"
)
_DATE = re.compile(
    r"\d{4}[-./]\d\d?[-./]\d\d?(\D.*)?|\d\d?[./-]\d\d?[./-]\d{2,4}(\D.*)?|(19|20)\d\d|\d{5}(\.\d+)?|\d{8}"
    r"|\d{10}(\d{3})?|(\w+,? )?\d\d?(st|nd|rd|th|er|\.)?[ -][^\W\d]{3,10}\.?,?[ -]\d{2,4}(\D.*)?"
    r"|[^\W\d]{3,10}\.? (\d\d?(st|nd|rd|th)?,? )?\d{4}.*"
)


def heading_meaning(heading: str) -> tuple[str, str]:
    """Return the kind of column that a heading makes, "" for one about something else, and how strong its yes is."""
    is_ = _families(heading)
    strength = NEVER if is_["never"] else LEFT
    if is_["technical"] or (is_["channel"] and not is_["email"]):
        return ELSEWHERE, strength
    if is_["matter"] and not is_["email"]:
        return "", strength
    negative = is_["never"] or is_["left"] or is_["perhaps out"]
    if is_["detail"] and negative and not is_["status"]:
        return "perhaps out", strength
    found = next((meaning for meaning in _MEANINGS if is_[meaning]), "")
    if is_["about"] and found not in {"status", "state", "other status"} and not negative:
        return "", strength
    return ("opt-out" if found in {"never", "left"} else found), strength


def is_ordinary(heading: str) -> bool:
    """Report whether answers of yes and no below a heading are plainly not about mail, such as of volunteers."""
    is_ = _families(heading)
    return not is_["email"] and any(is_[family] for family in ("ordinary", "matter", "channel", "technical"))


def _families(heading: str) -> dict[str, bool]:
    words = _ASKS.sub("", f"_{_plain(_CAMEL.sub(' ', heading), '_')}_")
    return {family: pattern.search(words) is not None for family, pattern in _patterns("headings").items()}


def _plain(text: str, separator: str) -> str:
    """Return the slug of a text, of Greek ones too."""
    return slug(spelled(text).translate(_GREEK), separator)


@cache
def _words() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(
        files("lists.opt_outs").joinpath("opt_out_words.yml").read_text(encoding="utf-8")
    )
    return found


@cache
def _patterns(part: str) -> dict[str, re.Pattern[str]]:
    words = _words()[part]
    if part == "headings":
        return {name: re.compile("|".join(text.split()).replace("-", "_?")) for name, text in words.items()}
    texts = {name: re.sub(r"\s*\|\s*", "|", text) for name, text in words.items()}
    before = f"(?:(?:{texts['before']}) )*"
    for name in ("never", "left"):
        texts[name] = f"{before}({texts[name]})"
    texts["negation"] = rf"(?:{texts['negation']}) (?:been |currently )?(.*)"
    return {name: re.compile(text, re.IGNORECASE) for name, text in texts.items()}


def cell_kind(cell: str) -> str:
    """Return what a cell says: empty, none, yes, no, date, in, agreed, confirmed, LEFT or NEVER; "" if not known."""
    plain = cell.casefold().strip().lstrip("'")
    if _EMPTY.fullmatch(plain):
        return "empty"
    if plain in _YES or plain in _NO or plain.replace(",", "") in _NO:
        return "yes" if plain in _YES else "no"
    if plain in {"none", "never", "nil"}:
        return "none"
    return "date" if _DATE.fullmatch(plain) else _words_kind(_plain(_CAMEL.sub(" ", cell), " "))


def foreign_answer(cell: str) -> bool:
    """Report whether a cell is a yes or no in a language in which fewer headings are known than in English."""
    plain = cell.casefold().strip()
    return plain in (_YES | _NO) - _ENGLISH_YES - _ENGLISH_NO - {"j"}


def _words_kind(words: str) -> str:
    patterns = _patterns("cells")
    if patterns["no_matter"].match(words):
        return ""
    for said in (NEVER, LEFT):
        if patterns[said].match(words):
            return said
    if denied := patterns["negation"].fullmatch(words):
        return LEFT if patterns["in"].fullmatch(denied[1]) or patterns["agreed"].fullmatch(denied[1]) else ""
    return next((kind for kind in ("in", "agreed", "confirmed") if patterns[kind].fullmatch(words)), "")


@cache
def _quick_words() -> Callable[[str], re.Match[str] | None]:
    return re.compile(_any_of(_words()["quick"])).search


def _any_of(words: Sequence[str]) -> str:
    """Return a pattern that finds any of the words, with the letters they begin with in common written once: faster."""
    if "" in words:
        return ""
    ends: dict[str, list[str]] = {}
    for word in words:
        ends.setdefault(word[0], []).append(word[1:])
    return "(?:" + "|".join(re.escape(first) + _any_of(rest) for first, rest in ends.items()) + ")"


def has_quick_word(text: str) -> bool:
    """Report whether a row, or a cell, needs a closer look, whatever its columns are about."""
    return _quick_words()(text.lower()) is not None


def is_mention(cell: str) -> bool:
    """Report whether a cell of any column mentions that somebody must not be mailed."""
    return _patterns("cells")["mention"].search(cell) is not None


def is_phrase(cell: str) -> bool:
    """Report whether a cell of any column, or one of several things in it, is a word for “do not mail”."""
    phrase = _patterns("cells")["phrase"]
    return any(phrase.fullmatch(_plain(part, " ")) for part in parts(cell) if len(part) < 60)


def parts(cell: str) -> list[str]:
    """Return the things that a cell holds, as tags are written."""
    return [part.strip() for part in re.split(r"[,;|]", cell)]
