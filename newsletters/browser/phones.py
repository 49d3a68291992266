"""Look at a mail on phones: the words that break in the middle, and whether it is wider than the screen."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from newsletters.browser.browser import Page, View, open_browser

WIDTHS = (320, 360, 375, 414)  # CSS px of phones in use
FONTS = ("", "DejaVu Sans, Verdana, sans-serif")  # the mail's own, and a wide one
# Longer ones break wherever the screen ends.
LONGEST_WORD = 16

_BROKEN = r"""
((font, longest) => {
  if (font) {
    const style = document.createElement('style');
    style.textContent = `* { font-family: ${font} !important }`;
    document.head.append(style);
  }
  const words = new Set(), range = document.createRange();
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode;
    for (const found of text.data.matchAll(/[^\s\u00ad\u200b]+/g)) {
      if (found[0].length > longest) continue;
      let from = found.index;
      for (const word of found[0].split(/(?<=[-\u2013/])(?=\D)|(?=[[(])/)) {  // lines may end there
        range.setStart(text, from);
        range.setEnd(text, from += word.length);
        const lines = new Set([...range.getClientRects()].filter(({width}) => width).map(({bottom}) => bottom | 0));
        if (lines.size > 1) words.add(word);
      }
    }
  }
  return {words: [...words], width: document.documentElement.scrollWidth};
})
"""


@dataclass(frozen=True)
class PhoneFault:
    """A fault on a screen of `screen` px: words that break in the middle, or a mail of `width` px if it is too wide."""

    screen: int
    words: tuple[str, ...]
    width: int = 0


def broken(page: Page) -> list[PhoneFault]:
    """Return what breaks of `page` on phones; raises BrowserError."""
    found = []
    with open_browser() as browser:
        for font, screen in product(FONTS, WIDTHS):
            seen = browser.answer(page, f"{_BROKEN}({font!r}, {LONGEST_WORD})", View(width=screen))
            found.append(PhoneFault(screen, tuple(seen["words"]), seen["width"] if seen["width"] > screen else 0))
    return [each for each in found if each.words or each.width]
