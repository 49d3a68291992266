"""Spliced mails are exactly what the plan renders, in MIME that any reader takes."""

from __future__ import annotations

import quopri
from dataclasses import replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import cast

import pytest

from newsletters.compiled import CompiledEmail
from sender.providers.mime import MimeSkeleton, ascii_address, quoted
from sender.providers.provider import Recipient
from tests.sender.letters import PUBLIC, email, mailing, people, person


def parsed(raw: bytes) -> EmailMessage:
    return cast(EmailMessage, message_from_bytes(raw, policy=default))


def content(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


AWKWARD = [
    "",
    " ",
    "x ",
    ".",
    "=",
    "é" * 200,
    "a" * 400,
    "a" * 74,
    "a" * 75,
    "a" * 76,
    "é" * 12 + "a",
    "Ann =20\t",
]


@pytest.mark.parametrize("someone", [*people(2), *(person(1, first_name=name, town=name) for name in AWKWARD)])
def test_a_spliced_mail_reads_as_the_plan_renders_it(someone: Recipient) -> None:
    letter = mailing()
    message, merged = (
        parsed(MimeSkeleton(letter).message(someone)),
        letter.plan.render(someone.inputs, someone.keys),
    )
    assert message["Subject"] == merged.subject
    assert content(message, "html") == merged.html
    assert content(message, "plain") == merged.text
    assert not message.defects


@pytest.mark.parametrize("text", AWKWARD)
def test_pieces_can_be_put_together_and_no_line_is_too_long(text: str) -> None:
    joined = quoted(text) + quoted("then") + quoted(text)
    assert max(map(len, joined.split(b"\r\n"))) <= 76
    assert quopri.decodestring(joined.replace(b"\r\n", b"\n")).decode() == f"{text}then{text}"


def test_a_mail_with_very_long_lines_has_only_short_ones_on_the_wire() -> None:
    raw = MimeSkeleton(mailing(email(filler="<p>" + "ö and a word " * 5000 + "</p>"))).message(person(1))
    assert max(map(len, raw.split(b"\r\n"))) <= 98  # List-Unsubscribe is left whole; RFC 5322 allows 998
    assert b"\n" not in raw.replace(b"\r\n", b"")


def test_the_headers_say_who_and_how_to_leave() -> None:
    message = parsed(MimeSkeleton(mailing(subject_prefix="[TEST] ")).message(person(1)))
    assert message["From"].addresses[0].display_name == "Ann & Bob’s Coalition"
    assert message["From"].addresses[0].addr_spec == "news@daisies.org"
    assert message["To"] == person(1).address
    assert message["Reply-To"] == "replies@daisies.org"
    assert message["Subject"] == "[TEST] Daisies — for Zoë <1>"
    assert message["List-Id"] == "Friends <friends.lists.news.daisies.org>"
    assert message["List-Unsubscribe"] == f"<{PUBLIC}/u/{person(1).keys.unsubscribe}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["Message-ID"] == f"<{person(1).message_key}@daisies.org>"
    assert message["X-Daisychain-Delivery"] == person(1).header_key
    assert message["Date"].datetime is not None


@pytest.mark.parametrize("name", ["Ann", "A" * 90, "=?utf-8?q?x?=", "Ἀθῆναι " * 12])
def test_subjects_of_any_length_and_script_survive(name: str) -> None:
    letter = mailing(plain_subject())
    raw = MimeSkeleton(letter).message(person(1, first_name=name))
    assert parsed(raw)["Subject"] == letter.plan.render({"first_name": name}).subject
    assert max(map(len, raw.split(b"\r\n\r\n", 1)[0].split(b"\r\n"))) <= 98


def plain_subject() -> CompiledEmail:
    made = email()
    return replace(made, subject=made.subject.replace("—", "-"))


def test_international_domains_are_written_in_ascii() -> None:
    assert ascii_address("ann@bücher.de") == "ann@xn--bcher-kva.de"


@pytest.mark.parametrize(
    "address", ["ann", "zoë@mail.org", "a b@mail.org", "a@mail.org\r\nBcc: b@mail.org", "a>@mail.org"]
)
def test_addresses_that_a_header_cannot_hold_are_refused(address: str) -> None:
    with pytest.raises(ValueError, match="ASCII"):
        ascii_address(address)
