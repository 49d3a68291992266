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
        ("GET /u/q83vEjRWeJASNFZ4kBI0Vg 404", "GET /u/[key] 404"),
        ("/o/q83vEjRWeJASNFZ4kBI0Vg.gif and q83vEjRWeJASNFZ4kBI0Vg", "/o/[key].gif and [key]"),
        ("smtps://ann:pass-word@mail.example refused", "smtps://[secret]@mail.example refused"),
        ("Authorization: Bearer abc.def-1", "Authorization: Bearer [secret]"),
        ("https://x.example/?token=abc&a=1", "https://x.example/?token=[secret]&a=1"),
        ("SG.abcdefghijklmnop.qrstuvwxyz0123456789", "[key]"),
        ("made 3kXy7wq-Z_zzQ3kXy7wq-Z_zzQ3kXy7wq for it", "made [key] for it"),
        # Names, places and hashes are none.
        (
            "sender.providers.sendgrid_account:52 reset_of",
            "sender.providers.sendgrid_account:52 reset_of",
        ),
        ("0f343b0931126a20f133d67c2b018a3b0f343b0931126a20f133d67c2b018a3b", "0f343b0931126a20f133d67c2b018a3b" * 2),
        ("14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0", "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0"),
    ],
)
def test_words_lose_addresses_secrets_and_what_can_t_be_seen(said: str, shown: str) -> None:
    assert scrub(said, ["SG.x"]) == shown


def test_a_secret_beyond_the_part_that_is_read_is_not_cut_into_half() -> None:
    assert "SG." not in scrub("ann@a.example " * 285 + "SG." + "x" * 60, ["SG." + "x" * 60])


@pytest.mark.parametrize("piece", ["a", "a@", "a.", " ", "@", "aB", "aB1", "://", "SG.", "key=", "bearer ", "-a"])
def test_a_megabyte_is_scrubbed_at_once(piece: str) -> None:
    begun = time.process_time()
    assert len(scrub(piece * 1_000_000)) <= LONGEST
    assert time.process_time() - begun < 1
