"""Simple forms of a newsletter, written from its outline: a page to paste, parts to paste, and a website's snippet."""

from __future__ import annotations

import html as htmllib
import re
from collections.abc import Sequence

from newsletters.packs.outline import Item, parts
from newsletters.toolkits.brand import Brand

_SIZES = {1: 30, 2: 23, 3: 19, 4: 17}
_FILE = re.compile(r"[^a-z0-9]+")


def simple_page(items: Sequence[Item], title: str, brand: Brand, language: str, direction: str) -> str:
    """One column without style sheets, which stays whole where a mailbox's own editor rewrites it."""
    rows = "\n".join(_row(item, brand) for item in items)
    return f"""<!doctype html>
<html lang="{language}" dir="{direction}">
<head><meta charset="utf-8"><title>{htmllib.escape(title)}</title></head>
<body style="margin:0">
<table role="presentation" width="600" cellpadding="0" cellspacing="0" border="0" style="width:600px;max-width:100%">
<tr>
<td style="padding:16px;font-family:{brand.font};font-size:16px;line-height:1.5;color:{brand.colours["text"]}">
{rows}
</td></tr></table>
</body>
</html>
"""


def paste_files(items: Sequence[Item]) -> dict[str, str]:
    """A text file for each part of the content, in order: the words, the picture and the button of that part."""
    files = {}
    for number, part in enumerate(parts(items), start=1):
        title = next((item.text for item in part if item.kind == "heading"), "")
        name = "-".join(_FILE.sub("-", (title or "text").lower()).strip("-").split("-")[:5]) or "part"
        files[f"{number:02d}-{name}.txt"] = "\n".join(_pasted(part))
    return files


def _row(item: Item, brand: Brand) -> str:
    small = ";font-size:13px" if item.furniture else ""
    match item.kind:
        case "heading":
            style = f"margin:24px 0 10px;font-size:{_SIZES[item.level]}px;line-height:1.25"
            return f'<h{item.level} style="{style}">{item.html}</h{item.level}>'
        case "picture":
            image = (
                f'<img src="{htmllib.escape(item.src)}" alt="{htmllib.escape(item.alt)}"'
                f' width="{min(item.width or 568, 568)}" style="max-width:100%;height:auto;border:0">'
            )
            href = htmllib.escape(item.href)
            return f'<p style="margin:0 0 14px">{f"""<a href="{href}">{image}</a>""" if item.href else image}</p>'
        case "button":
            fill, ink = brand.colours["primary"], brand.text_on(brand.colours["primary"])
            return (
                '<table role="presentation" cellpadding="0" cellspacing="0" border="0" style="margin:6px 0 20px"><tr>'
                f'<td bgcolor="{fill}" style="padding:12px 24px;background:{fill}">'
                f'<a href="{htmllib.escape(item.href)}" style="color:{ink};font-weight:bold;text-decoration:none">'
                f"{item.html}</a></td></tr></table>"
            )
        case "item":
            mark = f"{item.number}." if item.number else "•"
            return f'<p style="margin:0 0 8px 16px">{mark}&nbsp;{item.html}</p>'
        case "quote":
            return f'<p style="margin:0 0 14px 16px;font-style:italic">{item.html}</p>'
    return f'<p style="margin:0 0 14px{small}">{item.html}</p>'


def _pasted(part: Sequence[Item]) -> list[str]:
    lines: list[str] = []
    for item in part:
        match item.kind:
            case "heading":
                lines += ["HEADING", item.text, ""]
            case "picture":
                lines += [f"PICTURE   {item.src}", f"ALT TEXT  {item.alt or '(none: it only decorates)'}"]
                lines += [f"LINK      {item.href}", ""] if item.href else [""]
            case "button":
                lines += [f"BUTTON    {item.text}", f"ADDRESS   {item.href}", ""]
            case "item":
                mark = f"{item.number}." if item.number else "•"
                lines += [f"{mark} {item.text}", ""]
            case _:
                lines += [item.text, ""]
    return lines
