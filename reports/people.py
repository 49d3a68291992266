"""What the facts of a mail say about its person, and how many people that makes.

Each person has one fate (delivered, bounced, dropped, no word), and whatever else is said of them is said only of
people whom the mail reached. So each figure's people are part of its denominator's, whatever was reported.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from sender.events.facts import BITS

# A person did it, so the mail was there. Programs also fetch what never gets to the mailbox.
_BY_PERSON = ("opened_human", "clicked_human")
_PROOFS = (*_BY_PERSON, "complained", "unsubscribed")

PeopleByFacts = Mapping[int, int]  # facts, as `delivery_rollups.facts` has them, to people


def count_people(accepted: int, by_facts: PeopleByFacts, *, reported: bool) -> Counter[str]:
    """Count the people of whom each thing can be said, out of those accepted.

    If no deliveries are `reported`, the mail reached everybody but those whose mail bounced or was dropped.
    """
    counts: Counter[str] = Counter(accepted=accepted)
    silent = {0: accepted - sum(by_facts.values())}
    for part in (by_facts, silent):
        for bits, people in part.items():
            for said in describe(bits, reported=reported):
                counts[said] += people
    return counts


def describe(facts: int, *, reported: bool) -> Iterator[str]:
    """Yield what can be said of a person whose mail has these facts."""
    fate = fate_of(facts)
    yield fate
    if fate == "delivered" or (not reported and fate == "no_word"):
        yield "reached"
        yield from _reading(facts)


def fate_of(facts: int) -> str:
    """Return what became of a mail; of contradicting reports, the one that says most."""
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
