"""Messages: a merged mail as MIME that every relay takes."""

from __future__ import annotations

from email import message_from_bytes
from email.policy import default

import pytest

from newsletters.merge.merge import Merged
from newsletters.merge.message import Embedded, build_message

MAIL = Merged("Grüße, 👋", '<p>Zoë <img src="cid:a.png" alt="" />' + "x" * 3_000, "Zoë\n\n" + "y" * 3_000 + "\n")


def test_a_message_comes_back_as_it_was_built() -> None:
    built = build_message(
        MAIL, sender="Kind <k@a.example>", to="zoë <z@a.example>", reply_to="r@a.example",
        headers={"List-Id": "<a.example>"}, images=[Embedded("a.png", "image/png", b"\x89PNG")],
    ).as_bytes()  # fmt: skip
    assert max(map(len, built.split(b"\r\n"))) <= 998
    message = message_from_bytes(built, policy=default)
    assert message["Subject"] == MAIL.subject
    assert message["List-Id"] == "<a.example>"
    assert message["Reply-To"] == "r@a.example"
    assert "Date" not in message
    assert message.get_body(("plain",)).get_content().replace("\r\n", "\n") == MAIL.text  # type: ignore[union-attr]
    assert message.get_body(("html",)).get_content().rstrip("\r\n") == MAIL.html  # type: ignore[union-attr]
    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png",
    ]  # fmt: skip


def test_a_line_break_never_gets_into_a_header() -> None:
    with pytest.raises(ValueError):
        build_message(MAIL, sender="k@a.example", to="z@a.example", headers={"X-A": "a\r\nBcc: b@c.example"})
