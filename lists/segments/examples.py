"""Ten questions to begin with, for the desk and docs/segments.md, where a test holds both to the language."""

from __future__ import annotations

EXAMPLES = (
    ('region is "Wales" and joined in last 30 days', "new people in Wales"),
    ("first_name is empty", "people whose first name is unknown"),
    ("language is cy or language is en", "people who read Welsh or English"),
    ('city contains "bath" and not on list "volunteers"', "people in or near Bath who are no volunteers yet"),
    ('region in ("Wales", "Scotland", "Northern Ireland")', "people in one of three nations"),
    ('organisation is "Mind" and consent is soft-opt-in-charity', "people collected by Mind, by its own soft opt-in"),
    ("joined more than 2 years ago and consented is empty", "old contacts whose date of consent is unknown"),
    ("donations >= 3 and last_gift before 2026-05-01", "people who gave three times, not lately"),
    (
        "was sent any of last 3 campaigns and not opened any of last 3 campaigns",
        "people who got mails and opened none of them",
    ),
    ('clicked "join" of last 5 campaigns and agreed to tracking', "people who followed a link about joining"),
)
