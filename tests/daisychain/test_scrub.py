"""Scrubbing: other people's words are fit to be shown, however long and strange they are."""

from __future__ import annotations

import time

import pytest

from daisychain.scrub import LONGEST, scrub


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("550 no such user <ann@a.example>, sorry", "550 no such user <[address]>, sorry"),
        ("to:ann+b@a.example; bob@b.example", "to:[address]; [address]"),
        ("mailto:ann@@a.example", "mailto:[address]"),
        ("@ alone, a@ or @b", "@ alone, a@ or @b"),
        ("two\r\nlines\tand\x0bmore", "two lines and more"),
        ("\x1b[31mred\x07 \u202eback\u202c \x00zero a\u200bnn@a.example", "[31mred back zero [address]"),
        ("key SG.x in words", "key [secret] in words"),
    ],
)
def test_words_lose_addresses_secrets_and_what_can_t_be_seen(said: str, shown: str) -> None:
    assert scrub(said, ["SG.x"]) == shown


def test_a_secret_beyond_the_part_that_is_read_is_not_cut_into_half() -> None:
    assert "SG." not in scrub("ann@a.example " * 285 + "SG." + "x" * 60, ["SG." + "x" * 60])


@pytest.mark.parametrize("piece", ["a", "a@", "a.", " ", "@"])
def test_a_megabyte_is_scrubbed_at_once(piece: str) -> None:
    begun = time.process_time()
    assert len(scrub(piece * 1_000_000)) <= LONGEST
    assert time.process_time() - begun < 1
