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


OWN_WORDS = """
(() => {
  const saved = [];
  URL.createObjectURL = blob => { saved.push(blob); return "#"; };
  const set = (words, value) => { document.querySelector(`input[data-words='${words}']`).value = value; };
  set("YOUR ORGANISATION", "Bees & <Wasps>");
  set("YOUR POSTAL ADDRESS", "2 Hive Lane");
  document.querySelectorAll(".code button[data-save]").forEach(button => button.click());
  return Promise.all(saved.map(blob => blob.text()));
})()
"""


@pytest.mark.parametrize("dialect", ["brevo", "campaign-monitor", "plain"])
def test_a_pack_without_branding_is_saved_with_the_name_and_address_that_were_filled_in(dialect: str) -> None:
    pack = packed(dialect, partner=None)
    with open_browser() as browser:
        page, plain = browser.answer(Page(text(pack, "README.html"), pack.files.get), OWN_WORDS, View(scripts=True))
    html = text(pack, "email.html")
    assert "YOUR " in html
    assert page == html.replace("YOUR ORGANISATION", "Bees &amp; &lt;Wasps>").replace(
        "YOUR POSTAL ADDRESS", "2 Hive Lane"
    )
    assert "YOUR" not in plain
    assert "2 Hive Lane" in plain
    assert "mailing list of Bees & <Wasps>" in plain
