"""Counts people by the facts of their mails.

Each person has one fate (delivered, bounced, dropped, no word), and counts as a reader, or for anything else, only if
the mail reached them. So each figure's people are part of its denominator's, in spite of contradicting reports.

Reading that is counted without persons has rows of its own, as nothing says whose it is. For the figures each of these
readers is taken for a person without known reading whose mail arrived: which one makes no difference.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from sender.events.facts import BITS

# A person did it, so the mail was there. Programs also fetch what never gets to the mailbox.
_BY_PERSON = ("opened_human", "clicked_human")
_PROOFS = (*_BY_PERSON, "complained", "unsubscribed")

_READER = BITS["without_person"]
_HITS = sum(bit for fact, bit in BITS.items() if fact.startswith(("opened", "clicked")))
_PERSONS = sum(BITS[fact] for fact in _BY_PERSON)

PeopleByFacts = Mapping[int, int]  # facts, as `delivery_rollups.facts` has them, to people


def count_people(accepted: int, by_facts: PeopleByFacts, *, reported: bool) -> Counter[str]:
    """Count the accepted people by their descriptions.

    If no deliveries are `reported`, the mail reached everybody except the people whose mail bounced or was dropped.
    """
    counts: Counter[str] = Counter(accepted=accepted)
    for bits, people in _with_readers(accepted, by_facts).items():
        for description in describe(bits, reported=reported):
            counts[description] += people
    return counts


def people_in(by_facts: PeopleByFacts) -> int:
    """Count the people of some rows; readers without a person are among them already."""
    return sum(people for bits, people in by_facts.items() if not bits & _READER)


def _with_readers(accepted: int, by_facts: PeopleByFacts) -> PeopleByFacts:
    """Return rows of all accepted people, with the readers without a person among them."""
    rows = Counter({bits: people for bits, people in by_facts.items() if not bits & _READER})
    rows[0] += accepted - people_in(by_facts)
    unread = [bits for bits in rows if not bits & _HITS and fate_of(bits) in ("delivered", "no_word")]
    unread.sort(key=fate_of)  # the delivered first
    readers = [(bits, people) for bits, people in by_facts.items() if bits & _READER]
    for bits, people in sorted(readers, key=lambda row: not row[0] & _PERSONS):
        for own in unread:
            some = max(min(people, rows[own]), 0)
            rows[own] -= some
            rows[own | bits] += some
            people -= some
    return rows


def describe(facts: int, *, reported: bool) -> Iterator[str]:
    """Yield the descriptions of a person by the facts of the mail."""
    fate = fate_of(facts)
    yield fate
    if fate == "delivered" or (not reported and fate == "no_word"):
        yield "reached"
        yield from _reading(facts)


def fate_of(facts: int) -> str:
    """Return the fate of a mail; of contradicting reports, the strongest counts."""
    for fact, fate in _FATES:
        if facts & BITS[fact]:
            return fate
    return "no_word"


# A permanent bounce may come after a delivery, and a delivery after a temporary one.
_FATES = (
    *((fact, "delivered") for fact in _PROOFS), ("bounced_hard", "bounced_hard"), ("delivered", "delivered"),
    ("bounced_soft", "bounced_soft"), ("rejected", "dropped"),
)  # fmt: skip


def _reading(facts: int) -> Iterator[str]:
    def has(*names: str) -> bool:
        return any(facts & BITS[name] for name in names)

    yield from (name for name in ("complained", "unsubscribed") if has(name))
    if has(*_BY_PERSON):
        yield "seen_reading"
    if has("opened_human", "opened_machine", "opened_unknown"):
        yield "opened_any"
        human, unknown = has("opened_human"), has("opened_unknown")
        yield "opened_human" if human else "opened_unknown" if unknown else "opened_machine"
    if has("clicked_human"):
        yield "clicked"
        if has("opened_human"):
            yield "opened_and_clicked"
    elif has("clicked_machine"):
        yield "clicked_machine"
        if has("clicked_not_told_apart"):
            yield "clicked_not_told_apart"
    elif has("clicked_unknown"):
        yield "clicked_unknown"
