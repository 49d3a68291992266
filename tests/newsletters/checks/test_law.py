"""Who writes, where they are, and what mailing people rests on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from newsletters.compose.compiler import Compilation
from tests.newsletters.checks.planting import Planted, newsletter
from tests.newsletters.compiling import SHEET
from tests.newsletters.crowd import Crowd
from tests.newsletters.sample_toolkits import SHEET as WITHOUT_FOOTER

CHARITY = SHEET + "    charity number: '1234567'\n"
NAMELESS = SHEET.replace("organisation: Friends of Fairs", "organisation: ''")
ANN = {"email": "ann@a.example"}


def footless(compilation: Compilation) -> Compilation:
    """A compilation whose text ends before its footer."""
    return replace(compilation, email=replace(compilation.email, text="Hello"))


PLANTED = [
    Planted("law-organisation", newsletter(sheet=NAMELESS), newsletter(), "brand of Friends of Fairs", "organisation"),
    Planted("law-address", newsletter(sheet=WITHOUT_FOOTER), newsletter(), "brand of Friends of Fairs", "postal"),
    Planted(
        "law-address-invented",
        newsletter(sheet=SHEET.replace("1 Fair Street", "1 Example Street")),
        newsletter(),
        "brand of Friends of Fairs",
        "'Example Street'",
    ),
    Planted(
        "law-charity-number", newsletter(sheet=CHARITY, change=footless), newsletter(sheet=CHARITY), says="1234567"
    ),
    Planted(
        "law-sender",
        newsletter(front="from: ann@a.org"),
        newsletter(front="from: Ann of Fairs <ann@a.org>"),
        5,
        "without a name",
    ),
    Planted(
        "law-sender-example",
        newsletter(front="from: Ann <ann@fairs.example>"),
        newsletter(front="from: Ann <ann@a.org>"),
        5,
        "'fairs.example'",
    ),
    Planted(
        "law-basis-unknown",
        newsletter(people=Crowd(ANN, basis="unknown")),
        newsletter(people=Crowd(ANN)),
        "list news",
        "For 1 of 1 people",
    ),
    Planted(
        "law-basis-invalid",
        newsletter(people=Crowd(ANN, problem="too early")),
        newsletter(people=Crowd(ANN)),
        "list news",
        "before 5 February 2026",
    ),
    Planted(
        "law-consent",
        newsletter(people=Crowd(ANN, basis="soft-opt-in-unspecified")),
        newsletter(people=Crowd(ANN, basis="soft-opt-in-sale")),
        "list news",
        "For 1 of 1 people",
    ),
]


@pytest.mark.parametrize("code", ["law-organisation", "law-address"])
def test_what_the_brand_has_must_also_be_shown(code: str) -> None:
    found = {finding.code: finding for finding in newsletter(change=footless)(code)}
    assert "does not show" in found[code].message
