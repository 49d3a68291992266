"""What people, mail servers and files send takes time that grows with it, and not with its square.

Each row is a text for a pattern, or a loop. Most were once read again from each of their signs, so that four times as
much took sixteen times as long; the others are what the next pattern might do that with.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from daisychain.slug import slug
from newsletters.checks.markup import _LINK
from newsletters.checks.merge import _LEFT_OVER, _LEFT_OVER_IN_WORDS
from newsletters.checks.outlook import as_word_reads
from newsletters.checks.spam import _RULE
from newsletters.compose.markdown import html_tags
from newsletters.documents.error_list import Mistakes
from newsletters.packs.partner import _TEMPLATE
from newsletters.pieces.tree import _MARKS
from newsletters.stored.differences import changed_lines
from newsletters.stored.saving import aligned
from newsletters.toolkit_drafts.editing import raised
from newsletters.toolkit_drafts.pasted_copy import pasted_blocks
from partners.file_columns import file_columns
from sender.events.bounce_mail import addresses_in, header, human_text, parse, parts_of
from sender.events.bounce_reports import _FIELDS, _LISTED
from sender.events.bounce_wording import REPLY_SUBJECT
from sender.severity import find_status, plain, severity
from tests.newsletters.checks.planting import newsletter
from tests.newsletters.compiling import compiled


def underlined(text: str) -> None:
    _LEFT_OVER_IN_WORDS.findall(f"«{text}")


def links(text: str) -> None:
    newsletter(f"Hello\n\n{text}")("accessibility-link")


def spaces_after_brackets(text: str) -> None:
    _LINK.findall(f"[a]{text}")


def tags_of(text: str) -> None:
    list(html_tags(text))


def pasted(text: str) -> None:
    pasted_blocks(f"# Title{text}x\n\nwords", [])


def broken(text: str) -> None:
    compiled(text, mistakes=Mistakes(collect=True))


def changed(text: str) -> None:
    changed_lines(f"a\n{text}b\n{text}", f"{text}c\n{text}")


def collided(text: str) -> None:
    aligned(f"a\n\n{text}b\n\n{text}", f"{text}c\n\n{text}")


def judge(text: str) -> None:
    severity("", text)


def read_mail(text: str) -> None:
    message = parse(text.encode("utf-8", "surrogateescape"))
    header(message, "Subject")
    human_text([*parts_of(message)])


def html_mail(text: str) -> None:
    read_mail(f"Content-Type: text/html\n\n{text}")


def subject_of(text: str) -> None:
    read_mail(f"Subject: {text}\n\nx")


ROWS: list[tuple[Callable[[str], object], str]] = [
    *((_LEFT_OVER.findall, piece) for piece in ("{{ ", "{% ", "%%=a", "%%[", "${", "[email,", "[date:a")),
    *((_LEFT_OVER_IN_WORDS.findall, piece) for piece in ("{ { ", "<% ", "[email,")), (underlined, "_"),
    (compiled, "://"), (links, "https://a.org "),
    *((as_word_reads, piece) for piece in ("<!--[if !mso]><!-->", "<!--[if ", "<!--[if mso!")),
    (_RULE.findall, "\n"),
    *((addresses_in, piece) for piece in ("a", "a.", "'")), (_LISTED.findall, "'a"),
    *((_LINK.findall, piece) for piece in ("(a)[https:", "\n")), (spaces_after_brackets, " "),
    (_MARKS.findall, "]("), (_TEMPLATE.search, "\n"), (tags_of, "<p "),
    *((pasted, piece) for piece in ("[", "[a](", " ", "#")),
    (changed, "x\n"), (changed, "x\ny\n"), (collided, "x\n\n"), (collided, "x\n\n::: note\ny\n:::\n\n"),
    *((compiled, piece) for piece in ("{%- if true -%}{%- endif -%}", "<p ")), (broken, "{{ = }}"),
    (_FIELDS.search, "final-recipient:\n"), (REPLY_SUBJECT.search, "["), (REPLY_SUBJECT.search, "[#"),
    *((judge, piece) for piece in ("[", "a.", "a-", "a", "name=", "name=a.", "://", "user ", "@")),
    *((html_mail, piece) for piece in ("<", "<style>", "<style><head>", "</style ")),
    *((subject_of, piece) for piece in ("=?a?q?", "=?", "[#")),
    (find_status, "500 "), (find_status, ": 5.1.1 "),
    (plain, "\u0316\u0300"), (slug, "\u0316\u0300"),
]  # fmt: skip
# A whole newsletter is made of these, which takes milliseconds a kB.
FEWER = (compiled, broken, links)


@pytest.mark.parametrize(("read", "piece"), ROWS, ids=[f"{read.__name__}-{piece!r}" for read, piece in ROWS])
def test_four_times_as_much_takes_about_four_times_as_long(read: Callable[[str], object], piece: str) -> None:
    def cpu(signs: int) -> float:
        before = sum(os.times()[:4])  # with that of programs that were asked
        read(piece * (signs // len(piece)))
        return sum(os.times()[:4]) - before

    signs = 10_000 if read in FEWER else 20_000
    cpu(100)  # what is loaded once
    assert cpu(4 * signs) < 8 * cpu(signs) + 0.3


@pytest.mark.parametrize("read", [raised, lambda text: file_columns(["name", f"contact {text} email"], {})])
def test_more_digits_than_python_reads_are_no_number_and_no_fault(read: Callable[[str], object]) -> None:
    assert read("1" * 5_000)
