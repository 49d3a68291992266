"""Copy blocks that are not meant for email or won't last, and what only one of HTML and text has."""

from __future__ import annotations

from dataclasses import replace

import pytest

from newsletters.compose.compiler import Compilation
from tests.newsletters import sample_toolkits
from tests.newsletters.checks.planting import Planted, newsletter
from tests.newsletters.sample_toolkits import BLOCK


def cut(compilation: Compilation) -> Compilation:
    """A compilation whose text has lost its link."""
    text = compilation.email.text.replace("https://fairs.org.uk/join", "")
    return replace(compilation, email=replace(compilation.email, text=text))


def block(**changes: str) -> dict[str, str]:
    """A copy block with other lines in its front matter."""
    text = sample_toolkits.BLOCK
    for key, value in changes.items():
        text = text.replace("length:", f"{key}: {value}\nlength:")
    return {"welcome": text}


SOCIAL = {"welcome": BLOCK.replace("channels: email, web", "channels: social")}
USED = "Hello\n\n::: copy welcome"
JOIN = "[join](https://fairs.org.uk/join)"

PLANTED = [
    Planted("copy-channel", newsletter(USED, copy=SOCIAL), newsletter(USED), 8, "is meant for social"),
    Planted(
        "copy-expires",
        newsletter(USED, copy=block(expires="2027-05-06")),
        newsletter(USED, copy=block(expires="2027-06-06")),
        8,
        "expires in 3 days",
    ),
    Planted("copy-parity", newsletter(JOIN, change=cut), newsletter(JOIN), 6, "Only the HTML has https://fairs"),
]


@pytest.mark.parametrize(("day", "words"), [("2027-05-03", "expires today"), ("2027-05-04", "expires in 1 day,")])
def test_the_days_that_are_left_are_counted(day: str, words: str) -> None:
    assert words in newsletter(USED, copy=block(expires=day))("copy-expires")[0].message


@pytest.mark.parametrize(
    "words", ["WWW.A.ORG", "https://a.org/été", "https://a.org’s page", "https://a.org/a—b", "HTTPS://A.org/X"]
)
def test_an_address_as_people_type_it_is_the_same_in_html_and_text(words: str) -> None:
    assert newsletter(f"See {words}.")("copy-parity") == []
