"""The stand-in's log and lists are asked in the words of SendGrid's own description, and in no others."""

from __future__ import annotations

import pytest

from tests.fakes.sendgrid_logs import entry, page, search
from tests.fakes.sendgrid_mail import Mail

BODY = {
    "from": {"email": "news@daisies.org"}, "subject": "News", "categories": ["newsletter"],
    "custom_args": {"daisychain_attempt": "t1"},
}  # fmt: skip
MAILS = [
    Mail(number, BODY, {"to": [{"email": address}]}, "m", "http://fake", 1_737_000_000 + number)
    for number, address in enumerate(("ann@mail.org", "bob@mail.org"))
]
# The example of the official description, word for word.
EXAMPLE = (
    'sg_message_id_created_at > TIMESTAMP "2025-01-01T00:00:00Z" AND sg_message_id_created_at < TIMESTAMP '
    "\"2025-02-01T00:00:00Z\" AND status IN ('delivered', 'processed') AND categories IN ('newsletter', 'marketing')"
)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (EXAMPLE, ["ann@mail.org", "bob@mail.org"]),
        ("to_email = 'bob@mail.org'", ["bob@mail.org"]),
        ("to_email = 'bob@mail.org' AND subject = 'Other'", []),
        ('sg_message_id_created_at >= TIMESTAMP "2025-01-16T04:00:01Z"', ["bob@mail.org"]),
        ('sg_message_id_created_at <= TIMESTAMP "2025-01-16T04:00:00Z"', ["ann@mail.org"]),
    ],
)
def test_a_query_finds_what_it_says(query: str, found: list[str]) -> None:
    assert [each["to_email"] for each in search(MAILS, query, 10)] == found


@pytest.mark.parametrize(
    "query",
    [
        "", "to_email LIKE 'ann%'", "to_email = \"ann@mail.org\"", "to_email = 'o'brien@mail.org'", "from_email = 'a'",
        "custom_args = 't1'", "to_email = 'a' OR to_email = 'b'", "sg_message_id_created_at = TIMESTAMP \"2025-01-01\"",
    ],
)  # fmt: skip
def test_what_is_not_described_is_not_understood(query: str) -> None:
    with pytest.raises(ValueError, match="not understood"):
        search(MAILS, query, 10)


def test_only_a_mails_own_entry_has_its_arguments() -> None:
    assert "custom_args" not in search(MAILS, "subject = 'News'", 1)[0]
    assert entry(MAILS[0])["custom_args"] == {"daisychain_attempt": "t1"}


def test_lists_come_in_pages_of_a_time() -> None:
    entries = [{"created": number, "email": f"a{number}@mail.org"} for number in range(10)]
    query = {"start_time": "2", "end_time": "8", "limit": "3", "offset": "3"}
    assert [each["created"] for each in page(entries, query)] == [5, 6, 7]
    with pytest.raises(ValueError, match="limit"):
        page(entries, {"limit": "501"})
