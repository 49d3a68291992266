"""Phones of 320, 360, 375 and 414 px: no amount and no short word breaks in the middle, in any font."""

from __future__ import annotations

import re

import pytest

from newsletters.browser import phones
from newsletters.browser.phones import broken
from newsletters.checks.deep import _page
from newsletters.checks.finding import Subject
from newsletters.compose.blocks import registry
from newsletters.compose.compiler import Compilation
from newsletters.compose.narrow import breakable, figures, fitted_tables, width_of
from newsletters.compose.theme import Figures
from tests.newsletters.checks.planting import TODAY
from tests.newsletters.checks.test_compose_cases import made
from tests.newsletters.compiling import SHEET, compiled, merged

WIDE = """\
| Organisation | Wednesday | Participants | Contributions | Total |
|:---|:---:|---:|---:|---:|
| Huddersfield | 10:00–12:00 | 12,345 | £1,234,567.50 | £99.00 |
| Llanfairpwllgwyngyll | Thursdays | 1 200 | 50 € | 100 % |

<table><tr><td>Monday</td><td>£1,234.50</td></tr><tr><td>Wednesday</td><td>https://a-long-address.org.uk/x</td></tr></table>

::: table "Where it went"
| town | streets | money | per cent |
|---|---:|---:|---:|
| Hull | 14 | £1,200 | 12% |
:::

# Neighbourhood

::: numbers "In numbers"
::: number "£1,234,567" label="contributions"
::: number "1,204" label="neighbourhoods"
::: number "98%" label="volunteers"
:::

::: numbers
::: number "1,204" label="doors knocked at"
::: number "1 200 000" label="streets"
:::

::: dates "Dates"
::: date "Wednesday 23 September" title="Neighbourhood conversations" details="8 pm, £1,234.50"
::: date "Donnerstag, 24. Dezember" title="Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch"
:::

::: item "Neighbourhood conversations" text="Participants contributed £1,234.50." image=tent

::: partner "Huddersfield Neighbourhood Association" image=tent

::: signature "Priya Featherstonehaugh" role="Coordinator of communications" image=tent

::: event "Wednesday 23 September" where="1 Example Street, Exampleton" cost="£1,234,567.50"
:::
"""
ARABIC = (
    WIDE.replace("Organisation", "المنظمة المشاركة")
    .replace("Wednesday", "الأربعاء")
    .replace("Participants", "المشاركون")
)


HEROES = '::: hero "Neighbourhood celebrations"\n:::\n\n::: ask "Neighbourhood"\nNeighbourhood\n:::\n'


def faults(compilation: Compilation) -> list[phones.PhoneFault]:
    """What breaks on phones."""
    return broken(_page(Subject(compilation, None, TODAY, deep=True)))


@pytest.mark.usefixtures("chromium")
def test_no_amount_and_no_short_word_breaks_on_a_phone(monkeypatch: pytest.MonkeyPatch) -> None:
    # DejaVu Sans Condensed is about as wide as Arial; the other is as wide as Verdana.
    monkeypatch.setattr(phones, "FONTS", ("DejaVu Sans Condensed, Arial, sans-serif", *phones.FONTS[1:]))
    assert faults(made("g11-table-on-a-phone")) == []
    assert faults(compiled(WIDE)) == []


@pytest.mark.slow
@pytest.mark.usefixtures("chromium")
@pytest.mark.parametrize("layout", registry().layouts)
def test_no_headline_breaks_a_word(layout: str) -> None:
    assert faults(compiled(HEROES, front=f"layout: {layout}")) == []


@pytest.mark.slow
@pytest.mark.usefixtures("chromium")
@pytest.mark.parametrize(
    "font", ["Arial, sans-serif", "Georgia, serif", "Verdana, sans-serif", "Courier New, monospace"]
)
def test_nothing_breaks_from_right_to_left_or_in_another_font(font: str) -> None:
    assert faults(compiled(ARABIC, front="language: ar")) == []
    sheet = f"{SHEET}  font: {font}\n"
    assert faults(compiled(WIDE, sheet=sheet)) == []


@pytest.mark.usefixtures("chromium")
def test_a_word_that_breaks_and_a_mail_that_is_too_wide_are_seen() -> None:
    page = '<div style="width:50px;word-break:break-all">amount £1,234,567</div><div style="width:400px">-</div>'
    found = broken(phones.Page(f"<body>{page}</body>"))
    assert {each.screen for each in found} == set(phones.WIDTHS)
    assert all("£1,234,567" in each.words for each in found)
    assert [each.screen for each in found if each.width] == [320, 360, 375] * 2


def test_a_table_that_fits_a_phone_stays_one_and_a_wider_one_becomes_rows() -> None:
    narrow = merged(compiled("| Town | People |\n|---|---:|\n| Hull | 1,200 |")).html
    assert 'class="label"' not in narrow
    wide = made("g11-table-on-a-phone").email.html
    labels = re.findall(r'<span class="label"[^>]*>([^<]*)</span>', wide)
    assert labels == ["Where: ", "When: ", "People: ", "Price: "] * 2
    assert wide.count('class="heads"') == 1


def test_labels_of_rows_are_no_part_of_the_text_or_of_the_simple_page() -> None:
    compilation = compiled(WIDE, simple=True)
    assert "Organisation: Huddersfield — Wednesday: 10:00–12:00" in " ".join(compilation.email.text.split())
    assert compilation.simple is not None
    assert "label" not in compilation.simple.html


@pytest.mark.parametrize("table", ["<table></table>", "<table><tr></tr></table>", "<table><tr><td></td></tr></table>"])
def test_an_empty_table_is_left_as_it_is(table: str) -> None:
    assert fitted_tables(table) == table


def test_a_table_keeps_what_stands_between_its_cells() -> None:
    cells = "".join(f"<th>Organisation{number}</th>" for number in range(4))
    table = f"<table><tr>{cells}</tr><!--d00000000B0z--><tr>{'<td>1</td>' * 4}</tr><!--d00000000E0z--></table>"
    found = fitted_tables(table)
    assert "</tr><!--d00000000B0z--><tr><td><span" in found
    assert found.endswith("</tr><!--d00000000E0z--></table>")


def test_long_words_may_break_and_amounts_may_not() -> None:
    assert breakable("a 1 200 € b £ 5") == "a 1\u00a0200\u00a0€ b £\u00a05"
    assert breakable(f"short {'x' * 17}") == f'short <span style="word-break:break-word">{"x" * 17}</span>'
    # A condition may end outside of the word in which it begins.
    assert "<span" not in breakable("d00000000B0z" + "x" * 20)


@pytest.mark.parametrize(
    ("shown", "size"),
    [
        ([("1,204", "doors"), ("38", "streets")], Figures(40, 28)),
        ([("1,204", "doors"), ("38", "streets"), ("98%", "again")], Figures(40, 24)),
        ([("£1,234,567", "raised"), ("38", "streets"), ("98%", "again")], Figures(24, 28, stacked=True)),
        ([("1,204", "neighbourhoods"), ("38", "streets"), ("98%", "again")], Figures(40, 28, stacked=True)),
        ([], Figures(40, 28)),
    ],
)
def test_figures_take_the_largest_size_that_fits(shown: list[tuple[str, str]], size: Figures) -> None:
    assert figures(shown) == size


def test_a_field_counts_as_wide_as_a_name_and_a_condition_as_nothing() -> None:
    assert width_of("d0a1b2c3dS0z", 10) == width_of("d00000000S12z", 10) > width_of("12345", 10)
    assert width_of("d00000000B0zxd00000000E0z", 10) == width_of("x", 10)
