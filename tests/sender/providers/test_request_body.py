"""A request's JSON is put together from pieces; it reads as if it had been made of one dict a person."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sender.providers.provider import Mailing
from sender.providers.sendgrid import MAX_SUBSTITUTION_BYTES, _personalizations, _without_substitutions
from tests.sender.letters import PUBLIC, mailing, people

LETTER = mailing()
AWKWARD = [
    '"',
    "\\",
    "{key}",
    "{header key}",
    "\u2028",
    "\x01",
    "\0",
    "é",
    "\N{PILE OF POO}",
    "</p>",
    "%b",
    "a\nb",
    "é" * 6_000,
]
VALUES = st.none() | st.text(max_size=8) | st.lists(st.sampled_from(AWKWARD), max_size=3).map("".join)
INPUTS = st.fixed_dictionaries({}, optional=dict.fromkeys(("first_name", "town", "role"), VALUES))


def as_dicts(letter: Mailing, members: list[Any]) -> list[dict[str, Any]]:
    """What each part must say."""
    return [
        {
            "to": [{"email": member.address}],
            "substitutions": letter.plan.values(member.inputs, member.keys),
            "headers": letter.headers(f"{PUBLIC}/u/{member.keys.unsubscribe}"),
            "custom_args": {"daisychain_delivery": member.header_key},
        }
        for member in members
    ]


@settings(max_examples=200, deadline=None)
@given(st.lists(INPUTS, min_size=1, max_size=4))
def test_each_part_holds_its_persons_values_address_and_keys(found: list[dict[str, str | None]]) -> None:
    members = [who._replace(inputs=inputs) for who, inputs in zip(people(len(found)), found, strict=True)]
    parts, over = _personalizations(LETTER.plan, LETTER, members)
    meant = as_dicts(LETTER, members)
    assert [json.loads(part) for part in parts] == meant
    assert list(json.loads(_without_substitutions(parts[0]))) == [name for name in meant[0] if name != "substitutions"]
    tags = sum(len(tag.encode()) for tag in LETTER.plan.tags)
    sizes = [tags + sum(len(text.encode()) for text in part["substitutions"].values()) for part in meant]
    assert over == {who.delivery_id for who, size in zip(members, sizes, strict=True) if size > MAX_SUBSTITUTION_BYTES}
