"""MJML to HTML: the one module that imports mjml, with a guard for each of mjml-python 1.4.2's known faults.

- It writes attribute values as Rust debug strings: a line break, a backslash or any character beyond ASCII
  would come out as an escape that no mail client reads. Numeric character references pass untouched.
- It can't read a bare `0` in a padding, so that widths in Outlook go wrong: `0px` can be read.
- Tags that it does not know, and attributes given twice, pass silently.
- `mj-style inline` is not inlined: css_inline does that here.
- It links Google's fonts unless told not to, which would tell Google who reads.
"""

from __future__ import annotations

import re
from functools import cache

import css_inline
from mjml import mjml2html

from daisychain.errors import InputError

_NAMES = """
mjml mj-head mj-body mj-attributes mj-all mj-class mj-breakpoint mj-preview mj-style mj-title mj-raw mj-wrapper
mj-section mj-column mj-group mj-hero mj-text mj-button mj-image mj-divider mj-spacer mj-table mj-social
mj-social-element mj-navbar mj-navbar-link
"""
TAGS = frozenset(_NAMES.split())

_TAG = re.compile(r"""<([A-Za-z][\w:-]*)((?:\s+[^\s"'<>/=]+(?:\s*=\s*(?:"[^"]*"|'[^']*'))?)*)\s*(/?)>""")
_ATTRIBUTE = re.compile(r"""([^\s"'<>/=]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'))?""")
_SPACE = re.compile(r"[ \t\r\n]+")
_UNSAFE = re.compile(r'[^\x20-\x7e]|[\\"<>]')
_BARE_ZERO = re.compile(r"(?<![\w.#-])0(?![\w.%])")
_LENGTHS = re.compile(r"(?:inner-|container-)?padding(?:-\w+)?|width|height|border-radius|letter-spacing")
_BETWEEN = re.compile(r"(?<=>)\s+(?=</?mj)")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_IMG = re.compile(r"<img\b[^>]*>")


class Broken(Exception):  # noqa: N818 - it says what the MJML is
    """MJML that can't become HTML; the message is the compiler's."""


def compile_mjml(source: str, css: str = "") -> str:
    """The HTML of an MJML document with `css` inlined; raises Broken, which knows no line."""
    try:
        html = str(mjml2html(guard(source), fonts={}))
    except ValueError as error:
        raise Broken(str(error)) from None
    html = _inliner(css).inline(html)
    _look_over(html)
    return html


def guard(source: str) -> str:
    """`source` with attribute values that mjml-python carries unharmed; raises Broken for what it would let pass."""
    # White space between some tags is taken for text that does not belong there.
    source = _BETWEEN.sub("", source)
    return "".join(
        piece if piece.startswith("<!--") else _TAG.sub(_guarded_tag, piece)
        for piece in re.split(r"(<!--.*?-->)", source, flags=re.DOTALL)
    )


def _guarded_tag(match: re.Match[str]) -> str:
    name, attributes, slash = match.groups()
    if name.startswith("mj") and name not in TAGS:
        raise Broken(f"unknown tag <{name}>")
    seen: dict[str, str | None] = {}
    for key, double, single in (found.groups() for found in _ATTRIBUTE.finditer(attributes)):
        if key in seen:
            raise Broken(f"attribute {key} twice in <{name}>")
        seen[key] = _guarded_value(name, key, double if double is not None else single)
    written = "".join(f" {key}" if value is None else f' {key}="{value}"' for key, value in seen.items())
    return f"<{name}{written}{' /' if slash else ''}>"


def _guarded_value(tag: str, key: str, value: str | None) -> str | None:
    if value is None:
        return None
    value = _SPACE.sub(" ", value)
    if tag.startswith("mj-") and _LENGTHS.fullmatch(key):
        value = _BARE_ZERO.sub("0px", value)
    return _UNSAFE.sub(lambda sign: f"&#{ord(sign[0])};", value)


@cache
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


def broken_at(error: Broken, file: str, line: int) -> InputError:
    """The error for the author of the lines that MJML breaks on."""
    return InputError(
        "This part can't be made into an email.", file=file, line=line,
        hint=f"Look for HTML that is not closed or not spelled right ({error}).",
    )  # fmt: skip
