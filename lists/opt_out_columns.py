"""Columns that say who must not be mailed: what their headings and values mean.

A heading that is understood, with values that are understood, is followed. One that only suggests such a thing, or
has an unknown value, stops the import with a question, until --map answers it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from daisychain.errors import InputError
from daisychain.slug import slug

# What a cell says: opted out of this list, never to be mailed, or not understood; "" is no objection.
LEFT, NEVER, ASK = "left", "never", "ask"
# What a person can say of a column at --map.
MEANINGS = ("opt-out", "opt-in", "status", "ignore")
MOST_VALUES = 1_000  # different ones that are counted of one column
_SHOWN = 12

# Headings, as slugs without and with "_" between words. Another channel's objection is no objection to email.
_OTHER_CHANNEL = re.compile(r"_(phone|telephone|calls?|sms|texts?|post|postal|fax|trade|whatsapp|ip|ip_address)_")
_EMAIL = re.compile(r"e_?mail|newsletter|bulk")
_NEVER = re.compile(
    r"blacklist|blocklist|blocked|bounced|hardbounce|^bounce$|bouncedate|deceased|dateofdeath|donot(e?mail(s|ing)?$|contact|send)"
    r"|donote?mail|dont(e?mail|contact)|nobulk|noe?mails?$|nomailings?$|^clean(ed|time)|spam|complain|^junk|suppressed"
    r"|undeliverable|gesperrt|verstorben|blacklis|decede|fallecid"
)
_LEFT = re.compile(
    r"optout|optedout|optingout|unsub|excludedfrom|withdrawn|withdrew|abgemeldet|abbestellt|ausgetragen|desabonn|desinscri"
    r"|^(is)?(deleted|archived|deactivated|inactive)(at|on|date|time)?$|^left(at|on)$"
)
_OPT_IN = re.compile(
    r"optin|optedin|consent|subscri(?!ber)|permission|(email|mail)allowed|allows?(email|mail)|accepts?(e?mail|marketing|news)"
    r"|(may|can|okto)(e?mail|contact)"
)
_CONFIRMED = re.compile(r"^(is|email)?confirmed$|^(is|email)?verified$")
# Beside a yes or no: how often, why, by which campaign.
_DETAIL = re.compile(
    r"count|bounces$|number|total|score|_rate_|reason|campaign_|title|comment|_by_|source|method|_note|_hold_|_mail_$"
    r"|_link_|_url_"
)
_STATUS = re.compile(
    r"^(status|statut|((subscription|subscriber|member|contact|list|mailing|(e_?)?mail(_marketing)?|marketing)_(status|state)))$"
)
_SUGGESTS = re.compile(
    r"optin|optout|consent|subscri(?!ber)|permission|blacklis|blocklis|blocked|bounce|deceased|donot|dont(?!ation)|onhold"
    r"|gdpr|dsgvo|rgpd|marketing|preference|suppress|unsub|einwillig|zustimm|widerruf|widerspr|abmeld|gesperr|verstorb"
    r"|tanysgr|danysgr|cydsyn|caniat|dewisiad|marw|consentement|autoris|desabon|desinscr|decede|rebond|prefere"
    r"|suscri|suscrip|autoriz|fallec|rebot|bloque|preferencia|^baja"
)

# Cells. A word may have something behind it, as in "Unsubscribed (by admin)" and "Hard bounced".
_BEFORE = (
    r"(?:(?:is|was|has|been|user|member|marked|reported|as|by|email|address|hard|permanently|globally|auto|manually) )*"
)
_NEVER_WORDS = re.compile(
    _BEFORE + r"(bounce|clean(ed)?$|invalid|undeliverable|unreachable|non ?exist|spam|complain|abuse|junk|black ?list"
    r"|block ?list|blocked|suppressed|deceased|dead$|died|do not (e ?mail|contact|send|mail)|no (bulk )?e ?mails?"
    r"|gesperrt|verstorben|unzustellbar|decede|plainte|indesirable|rebot|fallecid|bloque|hard$)"
)
_LEFT_WORDS = re.compile(
    _BEFORE
    + r"(unsub|un subscribed|opt(ed)? ?out|non ?subscribed|withdr[ae]wn?|revoked|declined|refused|denied|deleted"
    r"|removed|archived|inactive|disabled|deactivated|cancell?ed|excluded|stopped|abgemeldet|abbestellt|ausgetragen|inaktiv"
    r"|geloscht|desabonn|desinscri|inactif|supprime|de baja|baja$|inactivo|desuscri|dad danysgrif)"
)
_IN_WORDS = re.compile(
    r"subscribed|active|enabled|confirmed|verified|((single|double|explicit) )?opt(ed)? ?in|granted|given|accepted"
    r"|allowed|permitted|consented|current|aktiv|angemeldet|abonne|inscrit|actif|activo|suscrito|tanysgrifiwyd"
)
_NOT = re.compile(r"(?:not|never|no longer|nicht|pas|non) (?:been |currently )?(.*)")
_NO_MATTER = re.compile(r"soft|(no|not|non|never) bounce|no complaint")
_YES = frozenset({
    "yes", "y", "true", "t", "1", "1.0", "x", "on", "ja", "wahr", "oui", "vrai", "si", "sí", "ie", "checked", "ticked",
    "✓", "✔", "☑",
})  # fmt: skip
_NO = frozenset({
    "no", "n", "false", "f", "0", "0.0", "off", "nein", "falsch", "non", "faux", "nage", "unchecked",
})  # fmt: skip
_EMPTY = frozenset({"", "null", "(null)", "n/a", "0000-00-00", "0000-00-00 00:00:00"})
_DATE = re.compile(
    r"\d{4}-\d\d?-\d\d?(\D.*)?|\d\d?[./-]\d\d?[./-]\d{2,4}(\D.*)?|\d{5}(\.\d+)?|\d{8}|\d{10}(\d{3})?"
    r"|\d\d? [a-z]{3,9}\.? \d{4}.*|[a-z]{3,9}\.? \d\d?,? \d{4}.*"
)


class OptOutColumn:
    """One such column: judges its cells, and counts them for the question."""

    def __init__(self, place: int, heading: str, meaning: str, strength: str = LEFT, *, named: bool = False) -> None:
        self.place = place
        self.heading = heading
        self.meaning = meaning
        self.strength = strength
        self.named = named  # by a person, so there is nothing to ask
        self.values: Counter[str] = Counter()
        self.unclear = self.objections = 0
        self._known: dict[str, str] = {}

    @property
    def field_too(self) -> bool:
        """Report whether it may well be about something else, such as a county, and is kept as a field."""
        return self.meaning in {"state", "weak"} and not self.named

    def judge(self, cell: str) -> str:
        """Return what a cell says, and count it."""
        said = self._known.get(cell)
        if said is None:
            said = self._judge(cell)
            if len(self._known) < MOST_VALUES:
                self._known[cell] = said
        if len(self.values) < MOST_VALUES or cell in self.values:
            self.values[cell] += 1
        return said

    def reason(self, cell: str) -> str:
        """Return why a row is refused."""
        what = cell if self.meaning in {"status", "state", "weak"} else f"{self.heading}: {cell or '(empty)'}"
        return f"not subscribed: the file says {what}"

    def _judge(self, cell: str) -> str:
        value = _value(cell)
        if self.meaning == "opt-out" and value in {"yes", "date"}:
            value = self.strength
        if value == "empty" and self.meaning != "opt-in":
            return ""
        if value == "empty":
            return "" if self.named else ASK
        said = _SAYS[self.meaning].get(value, "" if self.field_too else ASK)
        return LEFT if said == ASK and self.named else said


_WORDS = {LEFT: LEFT, NEVER: NEVER}
_SAYS = {
    "opt-out": {**_WORDS, "no": ""},
    "opt-in": {**_WORDS, "yes": "", "date": "", "in": "", "no": LEFT},
    "status": {**_WORDS, "yes": "", "in": "", "no": LEFT},
    "state": {**_WORDS, "yes": "", "in": "", "no": ""},
    "weak": {LEFT: ASK, NEVER: ASK},
    "confirmed": {"yes": "", "date": "", "in": ""},
    "detail": {"no": ""},
    "suggested": {},
}


def opt_out_column(place: int, heading: str, meaning: str = "") -> OptOutColumn | None:
    """Return the column at `place` if its heading, or else a person's `meaning`, makes it one of these."""
    words = slug(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", heading), "_")
    compact = words.replace("_", "")
    strength = NEVER if _NEVER.search(compact) else LEFT
    if meaning:
        return OptOutColumn(place, heading, meaning, strength, named=True)
    found = _meaning(words, compact)
    return OptOutColumn(place, heading, found, strength) if found else None


def _meaning(words: str, compact: str) -> str:
    apart = f"_{words}_"
    if _OTHER_CHANNEL.search(apart) and not _EMAIL.search(words):
        return ""
    if _STATUS.match(words) or words == "state":
        return "state" if words == "state" else "status"
    if _DETAIL.search(apart) and (_SUGGESTS.search(compact) or _NEVER.search(compact)):
        return "detail"
    for meaning, family in (("opt-out", _NEVER), ("opt-out", _LEFT), ("opt-in", _OPT_IN), ("confirmed", _CONFIRMED)):
        if family.search(compact):
            return meaning
    if _SUGGESTS.search(compact) and "language" not in words:
        return "suggested"
    return "weak" if words.endswith(("_status", "_state")) else ""


def _value(cell: str) -> str:
    """Return the kind of thing that a cell says, or "" if that is not known."""
    plain = cell.casefold().strip()
    for kind, members in (("empty", _EMPTY), ("yes", _YES), ("no", _NO)):
        if plain in members:
            return kind
    words = slug(plain, " ")
    if _DATE.fullmatch(plain):
        return "date"
    if _NO_MATTER.match(words):
        return ""
    for said, pattern in ((NEVER, _NEVER_WORDS), (LEFT, _LEFT_WORDS)):
        if pattern.match(words):
            return said
    if denied := _NOT.fullmatch(words):
        return LEFT if _IN_WORDS.fullmatch(denied[1]) else ""
    return "in" if _IN_WORDS.fullmatch(words) else ""


def require_understood(columns: Sequence[OptOutColumn], path: Path) -> None:
    """Raise InputError, with the values and the --map to type, for columns that need a person's answer."""
    unclear = [column for column in columns if _needs_answer(column)]
    if not unclear:
        return
    hint = "\n".join(map(_question, unclear))
    names = ", ".join(repr(column.heading) for column in unclear)
    raise InputError(
        f"This may say who must not be mailed: {names}. Nothing was imported.", file=path, line=1, hint=hint
    )


def _needs_answer(column: OptOutColumn) -> bool:
    if column.meaning == "state" and not column.named:
        # A county or a country's state, unless some cells are plainly about subscriptions.
        return bool(column.objections) and any(not _value(value) for value in column.values)
    if column.meaning == "opt-in" and not any(value and _value(value) != "empty" for value in column.values):
        return False
    return column.unclear > 0


def _question(column: OptOutColumn) -> str:
    # What is not understood comes first, as it is the question.
    unclear = sorted(column.values.items(), key=lambda each: (column.judge(each[0]) != ASK, -each[1]))
    shown = ", ".join(f"{value or '(empty)'} ({number:,})" for value, number in unclear[:_SHOWN])
    more = len(unclear) - _SHOWN
    values = shown + (f", and {more:,} more" if more > 0 else "")
    says = (
        ("opt-out", "yes means: do not mail"), ("opt-in", "no means: do not mail"),
        ("status", "only words such as subscribed or active may be mailed"),
        ("ignore", "it has nothing to do with mail"),
    )  # fmt: skip
    options = "\n".join(f'  --map "{column.heading}={meaning}"'.ljust(40) + f" {words}" for meaning, words in says)
    field = f"{slug(column.heading, '_') or 'column'}_text"[:60]
    return f'{column.heading}: {values}\n{options}\n  --map "{field}={column.heading}" keeps it as a field only'
