"""The footer's links: a mail to a member leads to their choices, and whoever has no such page gets no such link."""

from __future__ import annotations

from dataclasses import replace

import pytest

from newsletters.checks.html_text_parity import parity
from newsletters.compiled import CompiledEmail
from newsletters.compose.compose import phrases
from newsletters.merge.merge import LinkKeys, plan_merge
from newsletters.tokens import Kind
from sender.links.tracking import sent_references
from tests.newsletters.compiling import compiled

PUBLIC = "https://news.daisies.org"
KEYS = LinkKeys("cl1ck", "p1xel", "v1ew", "leave", "choose")
LAYOUTS = ("bulletin", "letter", "appeal", "event", "action", "thanks", "roundup", "welcome")


def mail(email: CompiledEmail, *, preferences: bool) -> tuple[str, str]:
    references = sent_references(PUBLIC, opens="own", clicks="own", preferences=preferences)
    merged = plan_merge(email, references).render({}, KEYS)
    return merged.html, merged.text


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("language", ["en", "cy", "ar", "hi"])
def test_both_parts_lead_to_the_reader_s_choices_and_never_count_that(layout: str, language: str) -> None:
    email = compiled("Hello.", front=f"layout: {layout}\nlanguage: {language}").email
    words = phrases(language)["preferences"]
    for part in mail(email, preferences=True):
        assert part.count(f"{PUBLIC}/preferences/choose") == 1
        assert words in part
    assert f'href="{PUBLIC}/preferences/choose" clicktracking="off"' in mail(email, preferences=True)[0]
    assert parity(email)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_nothing_is_left_of_a_link_that_leads_nowhere(layout: str) -> None:
    email = compiled("Hello.", front=f"layout: {layout}").email
    html, text = mail(email, preferences=False)
    for part in (html, text):
        assert "preferences" not in part
        assert phrases("en")["preferences"] not in part
        assert "/u/leave" in part
    assert html.count("&nbsp;·&nbsp;") == mail(email, preferences=True)[0].count("&nbsp;·&nbsp;") - 1


def test_a_mail_that_was_compiled_before_there_was_the_link_stays_as_it_is() -> None:
    email = compiled("Hello.").email
    token = email.mint.write(Kind.PREFERENCES)
    old = replace(email, html=email.html.replace(token, "#"), text=email.text.replace(token, "#"))
    assert mail(old, preferences=True) == mail(old, preferences=False)
