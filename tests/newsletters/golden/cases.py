"""Newsletters whose looks must not change unseen, and what is kept of them: an outline of the HTML, and the text.

The outline has a line for each thing that a reader meets, with what decides how it stands: direction, alignment,
colour, size, alt text. Random tokens, hashes and Outlook's branches are left out. The case `dark` keeps the rules for
dark screens.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

from newsletters.compose.blocks import registry
from newsletters.compose.compiler import Compilation, compile_document
from newsletters.documents.document import parse_document
from newsletters.toolkit_store.store import shipped_toolkit
from tests.newsletters.compiling import merged

HERE = Path(__file__).parent
LONG = "Anneliese-Wilhelmina Featherstonehaugh-Cholmondeley van der Bergenstein"

_ALL = """\
::: hero "{hero}" kicker="{kicker}" image=hero
{intro}
:::

{dear} {{{{ member.first_name | default("{friend}") }}}},

{text}

::: story "{story}" image=small-acts href="https://a.example/story" link="{read}"
{text}
:::

::: quote by="{by}"
{said}
:::

::: dates "{dates}"
::: date "7 / 5" title="{story}" details="{said}"
:::

::: note
{said}
:::

::: button "{button}" href="https://a.example/go"

| {by} | № |
|---|---:|
| {story} | 14 |
"""

WORDS = {
    "en": {
        "hero": "Kindness, next door 🌼", "kicker": "May bulletin", "intro": "Small acts are adding up.",
        "dear": "Dear", "friend": "friend",
        "text": "Mabel needed stamps. So Theo brought *stamps*.", "story": "A knock at number nine",
        "read": "Meet Theo and Mabel", "by": "Mabel, 83", "said": "He has got as far as the dunnock.",
        "dates": "Dates for your window", "button": "Join us",
    },
    "cy": {
        "hero": "Caredigrwydd y drws nesaf", "kicker": "Bwletin mis Mai", "intro": "Mae pethau bychain yn cyfri.",
        "dear": "Annwyl", "friend": "gyfaill",
        "text": "Roedd angen stampiau ar Mabel. Daeth Theo â *stampiau*. Tŷ, dŵr, sêr.",
        "story": "Cnoc ar ddrws rhif naw", "read": "Dewch i gwrdd â Theo a Mabel", "by": "Mabel, 83",
        "said": "Mae wedi cyrraedd llwyd y gwrych.", "dates": "Dyddiadau", "button": "Ymunwch â ni",
    },
    "ar": {
        "hero": "اللطف في البيت المجاور", "kicker": "نشرة أيار", "intro": "الأفعال الصغيرة تتراكم.", "dear": "عزيزتنا",
        "friend": "الصديقة", "text": "احتاجت مابل إلى طوابع. فأحضر ثيو *طوابع*.", "story": "طرقة على الباب رقم ٩",
        "read": "تعرّفوا على ثيو ومابل", "by": "مابل، ٨٣", "said": "وصل في الدرس إلى عصفور الدوري.",
        "dates": "مواعيد", "button": "انضمّوا إلينا",
    },
    "hi": {
        "hero": "पड़ोस में दयालुता ❤️", "kicker": "मई की पत्रिका", "intro": "छोटे काम मिलकर बड़े बनते हैं।", "dear": "प्रिय",
        "friend": "मित्र", "text": "मेबल को डाक टिकट चाहिए थे। थियो *टिकट* ले आए।", "story": "नौ नंबर पर दस्तक",
        "read": "थियो और मेबल से मिलिए", "by": "मेबल, ८३", "said": "वे गौरैया तक पहुँच गए हैं। 👩‍👩‍👧",
        "dates": "तारीखें", "button": "हमारे साथ जुड़ें",
    },
}  # fmt: skip


def _whole(language: str) -> tuple[str, str]:
    return language, _ALL.format(**WORDS[language])


# Name to language and body; `member` values of a case stand in MEMBERS.
CASES: dict[str, tuple[str, str]] = {
    **{f"language-{language}": _whole(language) for language in WORDS},
    "long-names": (
        "en",
        f'::: signature "{LONG}" role="{LONG}"\n\nDear {{{{ member.first_name | default("friend") }}}},\n\n'
        f'::: numbers\n::: number "1,234,567,890" label="{LONG}"\n::: number 2 label=b\n::: number 3 label=c\n:::\n\n'
        f'::: date "{LONG}" title="{LONG}"\n\n::: button "{LONG}" href="https://a.example/{"a" * 120}"\n',
    ),
    "dark": _whole("en"),
    "no-pictures": ("en", "::: hero Kindness\n:::\n\n::: story Small\nacts\n:::\n\n::: item Short text=Shorter\n"),
    **{f"layout-{layout}": ("en", "::: hero Kindness tone=quiet\n:::\n\nDear all,\n\n::: ask Help\nPlease.\n:::\n")
       for layout in registry().layouts},
}  # fmt: skip
MEMBERS = {"long-names": {"first_name": LONG}}


@cache
def compilation(case: str) -> Compilation:
    """The newsletter of a case."""
    language, body = CASES[case]
    layout = case.removeprefix("layout-") if case.startswith("layout-") else "bulletin"
    front = f"subject: Golden\npreheader: Files\ntoolkit: community-makes-us\nlanguage: {language}\nlayout: {layout}"
    document = parse_document(f"---\n{front}\n---\n{body}", "golden.md", HERE)
    return compile_document(document, shipped_toolkit("community-makes-us"))


def outcome(case: str) -> str:
    """What is kept of a case."""
    if case == "dark":
        return dark_rules(compilation(case).email.html)
    mail = merged(compilation(case), **MEMBERS.get(case, {}))
    outline = "\n".join(Outline.of(mail.html))
    text = re.sub(r"[ \t]+$", "", mail.text, flags=re.MULTILINE)
    return f"{outline}\n\n=== text ===\n\n{text}"


def dark_rules(html: str) -> str:
    """The rules of the style sheet for readers whose screens are dark."""
    rules = re.search(r"@media \(prefers-color-scheme: dark\) \{\n(.*?)\n\}", html, re.DOTALL)
    assert rules
    return rules[1] + "\n"


class Outline(HTMLParser):
    """What a reader meets, line by line."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._lines: list[str] = []
        self._styles: list[dict[str, str]] = []
        self._tags: list[str] = []

    @classmethod
    def of(cls, html: str) -> Iterator[str]:
        """The lines of `html`."""
        outline = cls()
        seen = re.sub(r"<!--\[if mso.*?<!\[endif\]-->|<!--.*?-->|<style.*?</style>", "", html, flags=re.DOTALL)
        outline.feed(seen)
        yield from outline._lines

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        style = dict(part.split(":", 1) for part in given.get("style", "").split(";") if ":" in part)
        style = {name.strip(): value.replace("!important", "").strip() for name, value in style.items()}
        if given.get("dir"):
            style["direction"] = given["dir"]
        if given.get("align"):
            style["text-align"] = given["align"]
        if tag == "img":
            shown = f"[{given['alt']}] {given.get('width', '')}px {given.get('class', '')}".rstrip()
            self._lines.append(f"{shown}  | {self._inherited('direction', 'text-align')}")
        elif tag not in ("br", "meta", "link", "hr"):
            self._tags.append(tag)
            self._styles.append(style)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._tags:
            while self._tags.pop() != tag:
                self._styles.pop()
            self._styles.pop()

    def handle_data(self, data: str) -> None:
        words = " ".join(data.replace("\u034f\u200c\xa0", "").split())
        if not words or "style" in self._tags:
            return
        tag = next((tag for tag in reversed(self._tags) if tag not in ("span", "strong", "em")), "")
        self._lines.append(f"<{tag}> {words}  | {self._inherited('direction', 'text-align', 'color', 'font-size')}")

    def _inherited(self, *names: str) -> str:
        found: dict[str, str] = {}
        for style in self._styles:
            found |= {name: style[name] for name in names if name in style}
            if "color" in names and (ground := style.get("background-color") or style.get("background")):
                found["on"] = ground.split()[0]
        return " ".join(f"{name}={value}" for name, value in found.items())
