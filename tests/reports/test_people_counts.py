"""People counted by the facts of their mails: whatever was reported, each figure's people are part of their whole."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from reports.people_counts import count_people, fate_of
from sender.events.facts import BITS

FATES = ("delivered", "bounced_hard", "bounced_soft", "dropped", "no_word")
facts = st.sets(st.sampled_from(sorted(BITS))).map(lambda names: sum(BITS[name] for name in names))


@given(st.dictionaries(facts, st.integers(1, 1_000), max_size=40), st.integers(0, 1_000), st.booleans())
def test_every_figure_is_part_of_its_whole(by_facts: dict[int, int], silent: int, reported: bool) -> None:
    accepted = sum(by_facts.values()) + silent
    counts = count_people(accepted, by_facts, reported=reported)
    assert sum(counts[fate] for fate in FATES) == accepted
    assert counts["reached"] == counts["delivered"] + (0 if reported else counts["no_word"])
    names = set(counts) - set(FATES) - {"accepted"}
    assert all(counts[name] <= counts["reached"] for name in names)
    assert counts["opened_human"] + counts["opened_machine"] + counts["opened_unknown"] == counts["opened_any"]
    assert max(counts["clicked"], counts["opened_human"]) <= counts["seen_reading"] <= counts["delivered"]
    assert counts["opened_human"] + counts["clicked"] - counts["opened_and_clicked"] == counts["seen_reading"]
    assert counts["clicked_not_told_apart"] <= counts["clicked_machine"]
    assert counts["complained"] + counts["unsubscribed"] <= 2 * counts["delivered"]


def bits(*names: str) -> int:
    return sum(BITS[name] for name in names)


def test_contradicting_reports_give_one_fate() -> None:
    assert fate_of(bits("delivered", "bounced_hard")) == "bounced_hard"
    assert fate_of(bits("delivered", "bounced_hard", "complained")) == "delivered"
    assert fate_of(bits("delivered", "bounced_soft")) == "delivered"
    assert fate_of(bits("bounced_soft", "rejected")) == "bounced_soft"
    assert fate_of(bits("queued", "deferred")) == "no_word"


def test_a_person_proves_a_delivery_and_a_scanner_does_not() -> None:
    for proof in ("clicked_human", "opened_human", "unsubscribed", "complained"):
        assert fate_of(bits(proof, "bounced_hard")) == "delivered"
    for hit in ("clicked_machine", "opened_machine", "clicked_unknown", "opened_unknown"):
        assert fate_of(bits(hit)) == "no_word"
        assert fate_of(bits(hit, "bounced_hard")) == "bounced_hard"
