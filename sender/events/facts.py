"""Facts: what can become true of a mail, as roll-ups count it.

A fact is an event's kind with its class, if it has one: "delivered", "bounced_hard", "opened_human". So humans and
machines are counted separately; add them if you want the total.
"""

from __future__ import annotations

from functools import cache

from sender.events.reader_rules import GUARDED

# A fact's position is its bit in `delivery_rollups.facts`: append only, never reorder.
FACTS = (
    "queued", "deferred", "delivered", "rejected", "bounced_hard", "bounced_soft", "complained", "unsubscribed",
    "subscribed", "opened_human", "opened_machine", "opened_unknown", "clicked_human", "clicked_machine",
    "clicked_unknown", "clicked_not_told_apart", "without_person",
)  # fmt: skip
BITS = {fact: 1 << place for place, fact in enumerate(FACTS)}

# SQL for the fact of a row of `events`, and for its bit (NULL if no roll-up counts it).
FACT = "kind || coalesce('_' || nullif(bounce || open_class, ''), '')"
# A machine's click that only its guarded domain made one has a second fact: it may be a person's.
FACT_BIT = f"1 << (array_position(ARRAY[{', '.join(repr(fact) for fact in FACTS)}], {FACT}) - 1)"

# Of a reader without a person; their mail's other facts are of the delivery, and nobody knows of which.
WITHOUT_PERSON = f"CASE WHEN delivery_id < 0 THEN {BITS['without_person']} ELSE 0 END"
SECOND_BIT = f"CASE WHEN kind = 'clicked' AND rules = '{GUARDED}' THEN {BITS['clicked_not_told_apart']} END"


@cache
def facts_in(bits: int) -> tuple[str, ...]:
    """Return the facts whose bits are set."""
    return tuple(fact for fact, bit in BITS.items() if bits & bit)
