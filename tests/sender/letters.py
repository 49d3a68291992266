"""A small compiled email with one of everything, and recipients, for the tests of providers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from newsletters.compiled import CompiledEmail, Condition, Link, Slot
from newsletters.merge.merge import KEY, LinkKeys, plan_merge
from newsletters.tokens import Mint
from sender.links.tracking import sent_references
from sender.providers.provider import Mailing, Recipient

SENDER = "news@daisies.org"
PUBLIC = "https://news.daisies.org"
TOOLKIT_URL = "https://www.daisies.org/toolkit?a=1&b=2"


def email(filler: str = "") -> CompiledEmail:
    """Make an email with slots in all parts, a condition and links; `filler` is more HTML."""
    mint = Mint.fresh()
    name_html, name_text, name_subject, town = (mint.write("S", index) for index in range(4))
    begin, otherwise, end = (mint.write(kind, 0) for kind in "BOE")
    link, leave = mint.write("L", 0), mint.write("U")
    slots = [
        Slot(0, ["default", ["field", "first_name"], "friend"], "html", ("first_name",)),
        Slot(1, ["default", ["field", "first_name"], "friend"], "text", ("first_name",)),
        Slot(2, ["field", "first_name"], "header", ("first_name",)),
        Slot(3, ["field", "town"], "html", ("town",)),
    ]
    return CompiledEmail(
        nonce=mint.nonce,
        subject=f"Daisies — for {name_subject}",
        preheader="",
        html=f"<html><body><h1>Dear {name_html} </h1>\n{begin}<p>In {town}, près de chez vous</p>{otherwise}"
        f'<p>Wherever you are</p>{end}{filler}<p><a href="{link}">Get the toolkit</a> '
        f'<a href="{leave}" clicktracking="off">Leave</a></p>\n.\n</body></html>',
        text=f"Dear {name_text},\n.\n{begin}Your town matters.\n{end}Toolkit: {link}\nLeave: {leave}\n",
        slots=tuple(slots),
        conditions=(Condition(0, ["field", "town"], ("town",)),),
        links=(Link(0, TOOLKIT_URL, "Get the toolkit", tracked=True),),
        fields=("first_name", "town"),
    )


def mailing(letter: CompiledEmail | None = None, **changes: object) -> Mailing:
    """Make a mailing of `letter` without tracking; `changes` replace its fields."""
    made = Mailing(
        campaign_id=7,
        plan=plan_merge(letter or email(), sent_references(PUBLIC, opens="off", clicks="off")),
        from_name="Ann & Bob’s Coalition",
        from_address=SENDER,
        reply_to="replies@daisies.org",
        list_id="Friends <friends.lists.news.daisies.org>",
        unsubscribe_url=f"{PUBLIC}/u/{KEY}",
        opens="off",
        clicks="off",
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def person(number: int, **inputs: str | None) -> Recipient:
    """Make the person of this number; every other one has a town."""
    values: Mapping[str, str | None] = {
        "first_name": f"Zoë <{number}>",
        "town": "St John's & Ἀθῆναι" if number % 2 else None,
        **inputs,
    }
    keys = LinkKeys(*(f"{purpose}{number:0{22 - len(purpose)}d}" for purpose in LinkKeys._fields))
    return Recipient(
        1000 + number,
        keys,
        f"header{number:016d}",
        f"message{number:015d}",
        f"person{number}@mail{number % 3}.org",
        values,
    )


def people(count: int) -> list[Recipient]:
    """Make `count` people, numbered from 0."""
    return [person(number) for number in range(count)]
