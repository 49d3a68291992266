"""Bare addresses become links, and links whose words are their own address lead straight there."""

from __future__ import annotations

import html as htmllib
import re
import time

import pytest

from newsletters.checks import run_checks
from newsletters.checks.html_text_parity import parity
from newsletters.compose.bare_addresses import is_own_address, linked_page
from newsletters.tokens import Mint
from tests.newsletters.compiling import compiled, merged

FRONT = "fields: town"


def links_in(body: str, **options: str) -> list[tuple[str, str]]:
    """The links in what the author wrote, as address and words."""
    return [(link.url, link.text) for link in compiled(body, front=FRONT, **options).email.links]


WEB = ("https://a.org/x", "https://a.org/x")


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("See https://a.org/x today", [WEB]),
        ("See https://a.org/x.", [WEB]),
        ("See https://a.org[1] and https://a.org/x[2]", [("https://a.org", "https://a.org"), WEB]),
        ("(https://a.org/x)", [WEB]),
        ("Is it https://a.org/x? Yes: https://a.org/x!", [WEB, WEB]),
        ("“https://a.org/x”, ‘https://a.org/x’ and 'https://a.org/x'", [WEB, WEB, WEB]),
        ("**https://a.org/x** and *https://a.org/x*, ~~https://a.org/x~~", [WEB, WEB, WEB]),
        ("شاهد https://a.org/x، ثم https://a.org/x؟", [WEB, WEB]),
        ("देखें https://a.org/x।", [WEB]),
        ("a https://a.org/x_(y)_z b", [("https://a.org/x_(y)_z", "https://a.org/x_(y)_z")]),
        ("a https://a.org/_x_/*y*/z b", [("https://a.org/_x_/*y*/z", "https://a.org/_x_/*y*/z")]),
        ("https://a.org/?a=1&b=2#c", [("https://a.org/?a=1&b=2#c", "https://a.org/?a=1&b=2#c")]),
        ("https://a.org/?a=1&amp;b=2", [("https://a.org/?a=1&b=2", "https://a.org/?a=1&b=2")]),
        ("www.a.org/x, www.a.org.", [("https://www.a.org/x", "www.a.org/x"), ("https://www.a.org", "www.a.org")]),
        ("Write to hello@a.org.", [("mailto:hello@a.org", "hello@a.org")]),
        ("Email:hello@a.org.uk; or <hello@a.wales>", [
            ("mailto:hello@a.org.uk", "hello@a.org.uk"), ("mailto:hello@a.wales", "hello@a.wales")]),
        ("me+you@a.org,o'neil@b.org", [
            ("mailto:me+you@a.org", "me+you@a.org"), ("mailto:o'neil@b.org", "o'neil@b.org")]),
        ("# https://a.org/x", [WEB]),
        ("- https://a.org/x\n- www.a.org", [WEB, ("https://www.a.org", "www.a.org")]),
        ("| a | b |\n|---|---|\n| https://a.org/x | c |", [WEB]),
        ("> https://a.org/x", [WEB]),
        ("<div>https://a.org/x</div>", [WEB]),
        ("::: note\nhttps://a.org/x\n:::", [WEB]),
        ('::: event "Saturday" where="Online: https://a.org/x"\n:::', [WEB]),
        ('::: quote "hello@a.org"\nWords.\n:::', [("mailto:hello@a.org", "hello@a.org")]),
        ("[words](https://a.org/x)", [("https://a.org/x", "words")]),
        ("[https://a.org/x](https://a.org/x)", [WEB]),
        ("[see https://a.org/y](https://a.org/x)", [("https://a.org/x", "see https://a.org/y")]),
        ('<a href="https://a.org/x">www.a.org</a>', [("https://a.org/x", "www.a.org")]),
        ('::: button "www.a.org" href="https://a.org/x"', [("https://a.org/x", "www.a.org")]),
        ("`https://a.org/x` and `hello@a.org`", []),
        ("    https://a.org/x", []),
        ("```\nhttps://a.org/x\n```", []),
        ("www. or https:// or @handle or a@b or www.x", []),
        ("https://{{ member.town }}.org and www.{{ member.town }}.org and {{ member.town }}@a.org", []),
        ("hello@a.org.uk{{ member.town }} and hello@a.org.uk-", []),
        ("https://a.org/{% if member.town %}x{% else %}y{% endif %}", []),
        ("https://a.org/x{% if member.town %} now{% endif %}", [WEB]),
        ("{% if member.town %}https://a.org/x{% endif %}", [WEB]),
    ],
)  # fmt: skip
def test_bare_addresses_become_links(body: str, found: list[tuple[str, str]]) -> None:
    assert links_in(body) == found
    made = compiled(body, front=FRONT, simple=True)
    assert made.simple is not None
    assert [(link.url, link.text) for link in made.simple.links] == found
    assert parity(made.email)


def test_a_field_in_a_bare_address_is_a_part_of_it_in_html_and_text() -> None:
    made = compiled("Your page: https://a.org/{{ member.town }}, www.a.org/?t={{ member.town }}.", front=FRONT)
    mail = merged(made, town="Hull & Hessle")
    for address in ("https://a.org/Hull%20%26%20Hessle", "www.a.org/?t=Hull%20%26%20Hessle"):
        assert address in mail.text
        assert f'{address}"' in htmllib.unescape(mail.html)
    assert parity(made.email)


def test_what_is_not_read_is_left_as_it_is() -> None:
    made = compiled("Words.", front="subject: www.a.org\npreheader: https://a.org/x and hello@a.org")
    assert made.email.links == ()
    assert "<mj-preview>https://a.org/x and hello@a.org" in made.mjml


@pytest.mark.parametrize(
    ("words", "url", "own"),
    [
        ("https://a.org/x", "https://a.org/x", True),
        ("a.org/x", "https://www.a.org/x/", True),
        ("www.a.org", "https://a.org/join?utm_source=mail", True),
        ("(A.org)", "http://a.org/", True),
        ("[web]", "[web]", True),
        ("Join us", "https://a.org", False),
        ("", "https://a.org", False),
        ("b.org", "https://a.org", False),
        ("See a.org now", "https://a.org", False),
    ],
)
def test_a_link_is_its_own_address_if_its_words_are_one_on_the_same_site(words: str, url: str, own: bool) -> None:
    assert is_own_address(words, url) is own


def test_a_link_whose_words_are_its_address_is_not_tracked() -> None:
    body = "https://a.org/x [a.org](https://a.org/y) <https://a.org/z> [words](https://a.org/w) hello@a.org"
    email = compiled(body, front=FRONT).email
    assert [link.tracked for link in email.links] == [False, False, False, True, False]
    tags = re.findall(rf"<a ([^>]*)href=\"{email.mint.pattern('L').pattern}\"", email.html)
    assert ["clicktracking" in before for before, *_ in tags] == [True, True, True, False, False]


@pytest.mark.parametrize(
    "text", ["a@", "a.", "www.", "https://", "x@a-", ")", "'", "https://a.org/)", "www.a.org,", "a@b.org;"]
)
def test_a_long_text_takes_time_in_proportion(text: str) -> None:
    def cpu(times: int) -> float:
        start = time.process_time()
        linked_page(f"www.a.org https://a.org/{text * times} hello@a.org", Mint("00000000"))
        return time.process_time() - start

    assert cpu(16_000) < 40 * cpu(1_000) + 0.5


@pytest.mark.parametrize("written", ["https://a.org](https://b.org", "[a](www.a.org](b", "https://a[b.org/c"])
def test_what_is_left_of_a_link_that_was_written_wrongly_is_no_address_and_can_be_checked(written: str) -> None:
    compilation = compiled(f"See {written} soon.")
    assert not compilation.email.links
    run_checks(compilation)
