"""Grammars: for each tool a small strict reader of its tags, which knows nothing of how packs are written.

Wherever a tool would begin to read a tag, one that it knows must stand; conditions must be closed, in order.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

NAME = r"[A-Za-z][A-Za-z0-9_]*"
WORDS = r"[^\"'{}\[\]|%*]*"


@dataclass(frozen=True)
class Grammar:
    """How one tool reads: where a tag begins, its tags by what they do, and which of them open, split and close."""

    begins: str
    tags: dict[str, str]
    blocks: tuple[str, str, str] = ("", "", "")
    needs: tuple[str, ...] = ("unsubscribe",)
    ignored: str = r"(?!)"

    def read(self, text: str) -> list[tuple[str, str]]:
        """The tags in `text` as (what it does, as written); AssertionError for one that the tool would stumble over."""
        text = re.sub(self.ignored, "", text)
        found: list[tuple[str, str]] = []
        depth: list[str] = []
        position = 0
        while opening := re.compile(self.begins).search(text, position):
            for does, pattern in self.tags.items():
                if tag := re.compile(pattern).match(text, opening.start()):
                    found.append((does, tag[0]))
                    self._nest(does, depth)
                    position = tag.end()
                    break
            else:
                raise AssertionError(f"no tag of this tool: {text[opening.start() : opening.start() + 60]!r}")
        assert not depth, "a condition is not closed"
        return found

    def _nest(self, does: str, depth: list[str]) -> None:
        begin, split, end = self.blocks
        if does and does == begin:
            depth.append(begin)
        elif does and does == split:
            assert depth, "an else without its condition"
            assert depth[-1] == begin
            depth[-1] = split
        elif does and does == end:
            assert depth, "an end without its condition"
            depth.pop()


MSO = r"<!--\[if[^\]]*\]>|<!\[endif\]-->|<!--<!\[endif\]-->"

GRAMMARS = {
    "mailchimp": Grammar(
        r"\*\||\|\*",
        {
            "unsubscribe": r"\*\|UNSUB\|\*",
            "view": r"\*\|ARCHIVE\|\*",
            "address": r"\*\|LIST:(?:ADDRESS|COMPANY)\|\*",
            "if": r"\*\|IF:[A-Z0-9_]+\|\*",
            "else": r"\*\|ELSE:\|\*",
            "end": r"\*\|END:IF\|\*",
            "field": r"\*\|[A-Z][A-Z0-9_]*\|\*",
        },
        ("if", "else", "end"),
        ("unsubscribe", "address"),
    ),
    "brevo": Grammar(
        r"\{\{|\{%",
        {
            "unsubscribe": r"\{\{ unsubscribe \}\}",
            "view": r"\{\{ mirror \}\}",
            "field": rf"\{{\{{ contact\.[A-Z][A-Z0-9_]*(?:\|default:'{WORDS}')? \}}\}}",
            "if": r"\{% if contact\.[A-Z][A-Z0-9_]* %\}",
            "else": r"\{% else %\}",
            "end": r"\{% endif %\}",
        },
        ("if", "else", "end"),
    ),
    "campaign-monitor": Grammar(
        r"\[|</?(?:unsubscribe|webversion)\b",
        {
            "unsubscribe": r"<unsubscribe>(?=[^<]+</unsubscribe>)|\[unsubscribe\]",
            "view": r"<webversion>(?=[^<]+</webversion>)|\[webversion\]",
            "close": r"</(?:unsubscribe|webversion)>",
            "field": rf"\[[a-z][a-z0-9]*(?:,fallback={WORDS})?\]",
        },
        ignored=MSO,
    ),
    "dotdigital": Grammar(
        r"@(?=[A-Za-z0-9_]+@)|\$(?=[A-Z]+\$)",
        {"unsubscribe": r"\$UNSUB\$", "view": r"\$CANTREAD\$", "field": r"@[A-Z][A-Z0-9_]*@"},
    ),
    "hubspot": Grammar(
        r"\{\{|\{%|\{#",
        {
            "unsubscribe": r"\{\{ unsubscribe_link \}\}",
            "view": r"\{\{ view_as_page_url \}\}",
            "address": r"\{\{ site_settings\.company_(?:name|street_address_1|city|state|zip) \}\}",
            "field": rf"\{{\{{ (?:contact\.[a-z_]+|personalization_token\('contact\.[a-z_]+', '{WORDS}'\)) \}}\}}",
        },
        needs=("unsubscribe", "address"),
    ),
    "mailerlite": Grammar(
        r"\{\$",
        {
            "unsubscribe": r"\{\$unsubscribe\}",
            "view": r"\{\$url\}",
            "field": rf"\{{\$[a-z_]+(?:\|default\('{WORDS}'\))?\}}",
        },
    ),
    "constant-contact": Grammar(
        r"\[\[|\[#|\$\{|<@",
        {
            "image": r"\[\[trackingImage\]\]",
            "view": r"\[\[viewAsWebpage\]\]",
            "address": r"\[\[account\.OrganizationName\]\]",
            "field": rf'\[\[[A-Z]+(?: OR "{WORDS}")?\]\]',
        },
        needs=("image",),
    ),
    "activecampaign": Grammar(
        r"%(?=[A-Z][A-Z0-9_-]*%)",
        {
            "unsubscribe": r"%UNSUBSCRIBELINK%",
            "view": r"%WEBCOPY%",
            "address": r"%SENDER-INFO-SINGLELINE%",
            "field": r"%[A-Z]{3,}[A-Z0-9_]*%",
        },
        needs=("unsubscribe", "address"),
    ),
    "klaviyo": Grammar(
        r"\{\{|\{%",
        {
            "unsubscribe": r"\{% unsubscribe_link %\}",
            "view": r"\{% web_view_link %\}",
            "address": r"\{\{ organization\.(?:name|full_address) \}\}",
            "if": r"\{% if [a-z_]+ %\}",
            "else": r"\{% else %\}",
            "end": r"\{% endif %\}",
            "field": rf"\{{\{{ [a-z_]+(?:\|default:'{WORDS}')? \}}\}}",
        },
        ("if", "else", "end"),
        ("unsubscribe", "address"),
    ),
    "sendgrid": Grammar(
        r"\{\{",
        {
            "unsubscribe": r"\{\{\{unsubscribe\}\}\}",
            "view": r"\{\{\{weblink\}\}\}",
            "address": r"\{\{Sender_(?:Name|Address|City|State|Zip)\}\}",
            "field": rf'\{{\{{(?:[a-z_]+|insert [a-z_]+ "default={WORDS}")\}}\}}(?!\}})',
        },
        needs=("unsubscribe", "address"),
    ),
    "mailjet": Grammar(
        r"\[\[|\{\{",
        {
            "unsubscribe": r"\[\[UNSUB_LINK_[A-Z]{2}\]\]",
            "view": r"\[\[PERMALINK\]\]",
            "email": r"\[\[EMAIL_TO\]\]",
            "field": rf'\[\[data:[a-z_]+:"{WORDS}"\]\]',
        },
    ),
    "postmark": Grammar(
        r"\{\{",
        {
            "unsubscribe": r"\{\{\{ pm:unsubscribe \}\}\}",
            "if": r"\{\{[#^][a-z_]+\}\}",
            "end": r"\{\{/[a-z_]+\}\}",
            "field": r"\{\{(?:\.|[a-z_]+)\}\}(?!\})",
        },
        ("if", "else", "end"),
    ),
    "beehiiv": Grammar(r"\{\{", {"unsubscribe": r"\{\{unsubscribe_url\}\}", "field": r"\{\{[a-z_]+\}\}"}),
    "ghost": Grammar(r"\{+(?=[a-z_]+[,}])", {"field": rf'\{{[a-z_]+(?:, "{WORDS}")?\}}'}, needs=()),
    "outlook": Grammar(r"\*\||\{\{|\{%|\{\$|\[\[|%[A-Z]+%|@[A-Z]+@", {}, needs=()),
    "plain": Grammar(r"\*\||\{\{|\{%|\{\$|\[\[|%[A-Z]+%|@[A-Z]+@", {}, needs=()),
}
