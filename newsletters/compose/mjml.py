"""MJML to HTML: the one module that imports mjml, with a guard for each of mjml-python 1.4.2's known faults.

- It writes attribute values as Rust debug strings: a line break, a backslash or any character beyond ASCII
  would come out as an escape that no mail client reads. Numeric character references pass untouched.
- It can't read a bare `0` in a padding, so that widths in Outlook go wrong: `0px` can be read.
- Tags that it does not know, tags in wrong places, and wrong attributes pass silently: `mjml_rules` finds them before.
- Its errors know no line of the author's: marks in the source (see `mjml_rules`) do.
- It drops the role of an mj-table, so that screen readers would read a layout as a table: a comment carries it.
- `mj-style inline` is not inlined: css_inline does that here.
- It links Google's fonts by default, which would show Google who reads.
"""

from __future__ import annotations

import re
from functools import lru_cache

import css_inline
from mjml import mjml2html

from newsletters.compose.mjml_rules import ATTRIBUTE, MARK, TAG, Broken, faults

_SPACE = re.compile(r"[ \t\r\n]+")
_UNSAFE = re.compile(r'[^\x20-\x7e]|[\\"<>]')
_BARE_ZERO = re.compile(r"(?<![\w.#-])0(?![\w.%])")
_LENGTHS = re.compile(r"(?:inner-|container-)?padding(?:-\w+)?|width|height|border-radius|letter-spacing")
_BETWEEN = re.compile(r"(?<=>)\s+(?=</?mj)")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
# The role of the table that it stands in, which mjml-python drops.
_ROLE = re.compile(r"(<table\b[^<>]*)><!--role:(\w+)-->")
_IMG = re.compile(r"<img\b[^>]*>")


def compile_mjml(source: str, css: str = "") -> str:
    """Return the HTML of an MJML document with `css` inlined; raises Broken."""
    for fault in faults(source):
        raise fault
    html = inlined(_converted(MARK.sub("", source)), css)
    _look_over(html)
    return html


def marked_html(source: str, css: str = "") -> str:
    """Return the HTML of MJML that compiled before, with its marks (and other white space); raises Broken."""
    return inlined(_converted(source), css)


def mark_number(comment: str, otherwise: int | None) -> int | None:
    """Return the number of the mark that the text of an HTML comment is; `otherwise` if it is not one."""
    found = MARK.fullmatch(f"<!--{comment}-->")
    return int(found[1]) if found else otherwise


def _converted(source: str) -> str:
    try:
        return _ROLE.sub(r'\1 role="\2">', str(mjml2html(guard(source), fonts={})))
    except ValueError as error:
        raise Broken(str(error)) from None


def inlined(html: str, css: str) -> str:
    """Return `html` with `css` in its style attributes."""
    return _inliner(css).inline(html)


def guard(source: str) -> str:
    """Return `source` with attribute values that mjml-python carries unharmed."""
    # White space between some tags is taken for text that does not belong there.
    source = _BETWEEN.sub("", source)
    return "".join(
        piece if piece.startswith("<!--") else TAG.sub(lambda match: _guarded_tag(*match.groups()), piece)
        for piece in re.split(r"(<!--.*?-->)", source, flags=re.DOTALL)
    )


@lru_cache(maxsize=2048)  # the same newsletter in many brands has the same tags
def _guarded_tag(name: str, attributes: str, slash: str) -> str:
    written = role = ""
    for key, double, single in (found.groups() for found in ATTRIBUTE.finditer(attributes)):
        value = _guarded_value(name, key, double if double is not None else single)
        written += f" {key}" if value is None else f' {key}="{value}"'
        if (name, key) == ("mj-table", "role"):
            role = f"<!--role:{value}-->"
    return f"<{name}{written}{' /' if slash else ''}>{role}"


def _guarded_value(tag: str, key: str, value: str | None) -> str | None:
    if value is None:
        return None
    value = _SPACE.sub(" ", value)
    if tag.startswith("mj-") and _LENGTHS.fullmatch(key):
        value = _BARE_ZERO.sub("0px", value)
    return _UNSAFE.sub(lambda sign: f"&#{ord(sign[0])};", value)


@lru_cache(maxsize=16)  # each brand has its own CSS
def _inliner(css: str) -> css_inline.CSSInliner:
    # Only our own rules: inlining MJML's reset as well would write it into every paragraph.
    return css_inline.CSSInliner(
        inline_style_tags=False, extra_css=css, keep_style_tags=True, load_remote_stylesheets=False
    )


def _look_over(html: str) -> None:
    shown = _COMMENT.sub("", html)
    if "<mj-" in shown or "</mj-" in shown:
        raise Broken("a part of the MJML was not understood")
    if r"\u{" in shown:
        raise Broken("a character of an attribute was not carried over")
    for image in _IMG.findall(shown):
        if " alt=" not in image:
            raise Broken("an image without alt text")
