"""A toolkit's draft as people will see it: a copy block in each channel, and a sample email in its brand."""

from __future__ import annotations

import base64
from dataclasses import replace

from daisychain.errors import InputError
from newsletters.compose.compiler import Compilation
from newsletters.compose.starter import starter
from newsletters.documents.document import Document, parse_document
from newsletters.merge.merge import References, plan_merge
from newsletters.preview.editor_view import MAX_LIVE_BYTES, ShownMail
from newsletters.preview.live_compile import compile_draft
from newsletters.preview.preview import INERT
from newsletters.toolkit_store.render_without_member import fields_in, render_without_member
from newsletters.toolkit_store.showcase import copy_to_paste
from newsletters.toolkits.images import ToolkitImage
from newsletters.toolkits.toolkit import CopyBlock, Toolkit

# The pictures of a draft are in the page itself: nobody can reach them before it is published.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; frame-ancestors 'self'"
_PAGE = (
    '<!doctype html><html lang="{language}" dir="{direction}"><head><meta charset="utf-8"><style>body{{font:1rem/1.6 '
    "system-ui,sans-serif;margin:1.2rem;max-width:40rem;color:#222;background:#fff;overflow-wrap:anywhere}}</style>"
    "</head><body>{html}</body></html>"
)
SAMPLE_LAYOUT = "bulletin"


def show_block(toolkit: Toolkit, block: CopyBlock, channel: str, public_url: str, who: str) -> ShownMail:
    """Return a copy block as it is in an email, or as text to paste on a page or in a post; raises InputError, Busy."""
    if len(block.body.encode()) > MAX_LIVE_BYTES:
        raise InputError("This text is too large to be looked at while it is written.")
    render_without_member(block, toolkit)
    free = {**toolkit.copy, block.id: replace(block, embargo=None, expires=None)}
    toolkit = replace(toolkit, copy=free)
    words = f"{len(block.body.split())} words"
    if channel == "email":
        return replace(
            _mail(compile_draft(_letter(block, toolkit), toolkit, who)), subject=block.title, preheader=words
        )
    shown = copy_to_paste(block, toolkit, public_url)
    html = _PAGE.format(language=shown.language, direction=shown.direction, html=shown.html)
    return ShownMail(block.title, f"{words}, {len(shown.text)} characters", html, shown.text, _POLICY)


def show_sample(toolkit: Toolkit, who: str) -> ShownMail:
    """Return an email in the toolkit's brand, made of its own copy; raises InputError, Busy."""
    free = {name: replace(block, embargo=None, expires=None) for name, block in toolkit.copy.items()}
    toolkit = replace(toolkit, copy=free)
    document = parse_document(starter(toolkit, toolkit.name, SAMPLE_LAYOUT), "the sample", None)
    return _mail(compile_draft(document, toolkit, who))


def _letter(block: CopyBlock, toolkit: Toolkit) -> Document:
    fields = sorted(fields_in(block.body))
    named = f"fields: [{', '.join(fields)}]\n" if fields else ""
    head = f"subject: copy\ntoolkit: {toolkit.name}\nlayout: letter\n{named}"
    return parse_document(f"---\n{head}---\n\n::: copy {block.id}\n", f"the block {block.id}", None)


def _mail(made: Compilation) -> ShownMail:
    def inline(image: ToolkitImage) -> str:
        content = base64.b64encode(made.image_contents[image.hash]).decode()
        return f"data:{image.media_type};base64,{content}"

    references = References(
        link=lambda link: link.url, image=inline, unsubscribe=INERT, view=INERT, preferences=INERT,  # type: ignore[arg-type]
    )  # fmt: skip
    mail = plan_merge(made.email, references).render({})
    return ShownMail(mail.subject, made.email.preheader, mail.html, mail.text, _POLICY)
