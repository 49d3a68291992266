"""From right to left, what runs from left to right keeps its order: numbers, amounts, addresses, members' values."""

from __future__ import annotations

import re

import pytest

from newsletters.browser.browser import View, open_browser
from newsletters.checks.deep import _page
from newsletters.checks.finding import Subject
from newsletters.compose.isolates import isolated_text
from newsletters.tokens import Mint
from tests.newsletters.checks.planting import TODAY
from tests.newsletters.checks.test_compose_cases import made
from tests.newsletters.compiling import SHEET, compiled, merged

MINT = Mint("0a0b0c0d")
# Isolated, and left alone, in an Arabic sentence.
ISOLATED = [
    "+44 20 7946 0000", "(020) 7946 0000", "020-7946-0000", "00 44 20 7946 0000", "£1,234.50", "1.234,50 €", "€ 50",
    "$5", "50 GBP", "1 Example Street, Exampleton EX1 1EX", "Flat 2, 10 High Road, Leeds LS1 4DY", "PO Box 12",
    "-5", "18+", "2–4 pm", "#CommunityMakesUs", "@daisychain", "B12/3", "1 200",
]  # fmt: skip
LEFT_ALONE = ["1,204", "50%", "10:30", "7/5/2026", "38", "Connection Coalition", "https://a.org/1", "ann1@a.org"]


@pytest.mark.parametrize("found", ISOLATED)
@pytest.mark.parametrize("sentence", ["السعر {} فقط.", "السعر {}.", "«{}»", "السعر: {}، ثم", "ה-{} של"])
def test_it_is_isolated_without_the_sentence_s_own_signs(found: str, sentence: str) -> None:
    isolated = isolated_text(sentence.format(found), MINT, "rtl")
    assert re.findall("\u2066([^\u2069]*)\u2069", isolated) == [found]
    assert re.sub("[\u2066\u2069]", "", isolated) == sentence.format(found)


@pytest.mark.parametrize("left", LEFT_ALONE)
def test_what_stands_right_by_itself_is_left_alone(left: str) -> None:
    assert isolated_text(f"السعر {left} فقط.", MINT, "rtl") == f"السعر {left} فقط."


def test_numbers_of_a_list_keep_the_order_of_their_sentence() -> None:
    assert (
        isolated_text("الأعداد £1, £2, 3 و 10 - 20", MINT, "rtl")
        == "الأعداد \u2066£1\u2069, \u2066£2\u2069, 3 و 10 - 20"
    )


@pytest.mark.parametrize("text", ["~{£10}~ {£5} فقط", "“{£10}” {£5}", "[{+44 20}] {£5}", "({£10}) {£5} فقط"])
def test_a_pair_of_signs_is_not_parted(text: str) -> None:
    plain = text.replace("{", "").replace("}", "")
    isolated = isolated_text(plain, MINT, "rtl")
    if "(" in text:  # brackets balance inside a run
        assert isolated == "\u2066(£10) £5\u2069 فقط"
    else:
        assert isolated == text.replace("{", "\u2066").replace("}", "\u2069")


def test_groups_of_arabic_figures_keep_their_order_too() -> None:
    assert isolated_text("٠٢٠ ٧٩٤٦", MINT, "rtl") == "\u2066٠٢٠\u200e ٧٩٤٦\u2069"


def test_a_mail_from_left_to_right_is_changed_only_where_it_runs_the_other_way() -> None:
    text = "Ring +44 20 7946 0000.\nاتصل +44 20 7946 0000."
    assert isolated_text(text, MINT, "ltr") == "Ring +44 20 7946 0000.\nاتصل \u2066+44 20 7946 0000\u2069."


def test_what_a_member_s_field_holds_is_isolated_by_itself() -> None:
    slot = MINT.write("S", 0)
    assert isolated_text(f"عزيزي {slot}، أهلا", MINT, "rtl") == f"عزيزي \u2068{slot}\u2069، أهلا"
    assert isolated_text(f"عزيزي {slot}", MINT, "rtl", slots=False) == f"عزيزي {slot}"
    assert isolated_text(f"مبلغ £{slot} فقط", MINT, "rtl") == f"مبلغ \u2066£{slot}\u2069 فقط"
    begin, end = MINT.write("B", 1), MINT.write("E", 1)
    assert isolated_text(f"{begin}نعم £5{end}", MINT, "rtl") == f"{begin}نعم \u2066£5\u2069{end}"
    view = f"عرض: {MINT.write('V')}"
    assert isolated_text(view, MINT, "rtl") == view


def test_every_part_of_a_mail_is_isolated() -> None:
    body = (
        "السعر £1,234.50 &amp; **+44 20 7946 0000** أو `£5`\n\n::: number £9 label=جنيه\n\n"
        '::: event السبت where="1 Example Street"\n:::\n'
    ).replace("::: number £9 label=جنيه", "::: numbers\n::: number £9 label=جنيه\n:::")
    compilation = compiled(body, front="subject: اتصل +44 20 7946 0000\npreheader: السعر £5\nlanguage: ar", simple=True)
    mail = merged(compilation)
    assert mail.subject == "اتصل \u2066+44 20 7946 0000\u2069"
    assert compilation.email.preheader == "السعر \u2066£5\u2069"
    assert compilation.simple is not None
    for page in (mail.html, compilation.mjml, compilation.simple.html):
        found = re.findall(r'<span dir="ltr"[^>]*>([^<]*)</span>', page)
        assert {"£1,234.50", "+44 20 7946 0000", "£5", "£9", "1 Example Street"} <= set(found)
        assert "1 Fair Street, Fairham FA1 1FA" in found
    for text in (mail.text, compilation.simple.text):
        assert {"£1,234.50", "+44 20 7946 0000", "1 Example Street"} <= set(
            re.findall("\u2066([^\u2069]*)\u2069", text)
        )
    assert "&amp;" in mail.html


def test_the_case_reads_from_left_to_right() -> None:
    email = made("g17-arabic-phone-number").email
    assert "\u2066+44 20 7946 0000\u2069" in email.text
    assert ">+44 20 7946 0000</span>" in email.html


_ORDER = """
[...document.querySelectorAll('span[dir=ltr]')].filter((each) => each.getClientRects().length === 1).map((each) => {
  const range = document.createRange(), text = each.firstChild;
  const left = (at) => {
    range.setStart(text, at);
    range.setEnd(text, at + 1);
    return range.getBoundingClientRect().left;
  };
  return [text.data, left(0) < left(text.length - 1)];
})
"""


@pytest.mark.usefixtures("chromium")
def test_a_browser_shows_them_in_their_order() -> None:
    body = "\n\n".join(f"السعر {found} فقط." for found in ISOLATED)
    page = _page(Subject(compiled(body, front="language: ar", sheet=SHEET), None, TODAY, deep=True))
    with open_browser() as browser:
        shown = dict(browser.answer(page, _ORDER, View(width=640)))
    assert set(ISOLATED) - {"$5", "-5"} <= shown.keys()
    assert all(shown.values())
