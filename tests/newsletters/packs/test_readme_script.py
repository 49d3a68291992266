"""The script of a README in a real browser: what people copy has the addresses of their pictures in it."""

from __future__ import annotations

import pytest

from newsletters.browser.browser import Page, View, open_browser
from tests.newsletters.packs.packing import packed, text

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("chromium")]

FILL_IN = """
(() => {
  const press = () => document.querySelector(".code button").click();
  const told = () => document.querySelector(".code [role=status]").textContent;
  const code = () => document.querySelector(".code textarea").value;
  press();
  const before = [code(), told()];
  document.querySelector("input[data-picture='images/tent.png']").value = " https://img.example/1?a=1&b=2 ";
  press();
  return [...before, code(), told()];
})()
"""


def test_the_code_is_copied_with_the_addresses_that_were_filled_in() -> None:
    pack = packed("brevo")
    with open_browser() as browser:
        page = Page(text(pack, "README.html"), pack.files.get)
        before, first, after, second = browser.answer(page, FILL_IN, View(scripts=True))
    html = text(pack, "email.html")
    assert before == html
    assert "Without an address yet: 1 picture." in first
    assert after == html.replace('"images/tent.png"', '"https://img.example/1?a=1&amp;b=2"')
    assert after != html
    assert "Without" not in second
