"""Every dialect: what it says of itself, and that each pack is read by that tool's own grammar."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from html import escape
from pathlib import Path

import pytest

from daisychain.errors import InputError
from newsletters.packs.dialects.dialect import Dialect, dialects, each_dialect
from newsletters.packs.partner import Fail, partner_of
from tests.newsletters.packs.grammars import GRAMMARS
from tests.newsletters.packs.packing import EVERY_BLOCK, SHIPPED, packed, text, texts
from tests.newsletters.packs.tags import TAGS

FIELDS = """\
{{ member.first_name | default("friend") }}, and {{ member.first_name or "you" }}.

::: copy welcome
"""
NAMES = [
    *("mailchimp", "brevo", "campaign-monitor", "dotdigital", "hubspot", "mailerlite", "constant-contact"),
    *("activecampaign", "klaviyo", "sendgrid", "mailjet", "postmark", "beehiiv", "ghost", "outlook", "plain"),
]


def test_all_sixteen_dialects_are_found_and_have_a_grammar() -> None:
    assert sorted(dialects()) == sorted(NAMES) == sorted(GRAMMARS)


@pytest.mark.parametrize("dialect", NAMES)
def test_a_dialect_says_what_to_do_and_where_its_facts_come_from(dialect: str) -> None:
    known = dialects()[dialect]
    assert len(known.steps) >= 3
    assert {"unsubscribe", "address"} & set(known.sources)
    assert known.unsubscribe or known.unsubscribe_element or known.reply_to_leave or "unsubscribe" in known.uncertain
    # A fact is either sourced or told as uncertain, where the tool has a tag for it.
    for cell, value in (("view", known.view), ("address", known.address), ("unsubscribe", known.unsubscribe)):
        assert not value or cell in known.sources or cell in known.uncertain, cell


@pytest.mark.parametrize("dialect", NAMES)
def test_a_pack_is_read_by_the_grammar_of_its_tool(dialect: str) -> None:
    pack = packed(dialect, FIELDS)
    grammar = GRAMMARS[dialect]
    page = grammar.read(text(pack, "email.html"))
    assert set(grammar.needs) <= {does for does, _ in page}
    for path in ("email.txt", "subjects.txt", "source/newsletter.mjml"):
        grammar.read(text(pack, path))


@pytest.mark.parametrize("dialect", NAMES)
def test_a_pack_of_every_block_is_read_by_the_grammar_of_its_tool(dialect: str) -> None:
    pack = packed(dialect, EVERY_BLOCK, **SHIPPED)
    for path in ("email.html", "email.txt", "subjects.txt"):
        GRAMMARS[dialect].read(text(pack, path))


@pytest.mark.parametrize("dialect", NAMES)
def test_a_pack_holds_the_tags_that_its_tool_documents(dialect: str) -> None:
    page = text(packed(dialect, FIELDS), "email.html")
    for tag in TAGS[dialect].all:
        assert tag in page or escape(tag) in page, tag


@pytest.mark.parametrize("dialect", NAMES)
def test_no_file_of_a_pack_holds_a_tag_of_another_tool(dialect: str) -> None:
    foreign = frozenset[str]().union(*(tags.all for tags in TAGS.values())) - TAGS[dialect].all
    for path, content in texts(packed(dialect, FIELDS)).items():
        for tag in foreign:
            assert tag not in content, path


@pytest.mark.parametrize("dialect", NAMES)
def test_what_is_no_page_of_the_tool_holds_no_tag_at_all(dialect: str) -> None:
    pack = packed(dialect, FIELDS)
    everybodys = [path for path in texts(pack) if path.startswith(("social/", "website/", "copy/", "images/"))]
    assert len(everybodys) > 3
    message = message_from_bytes(packed("outlook", FIELDS).files["draft.eml"], policy=policy.default)
    bodies = [message.get_body((kind,)) for kind in ("html", "plain")]
    for content in (*(text(pack, path) for path in everybodys), *(body.get_content() for body in bodies if body)):
        for grammar in GRAMMARS.values():
            assert not grammar.read(re.sub(r"<!--.*?-->", "", content, flags=re.DOTALL))


@pytest.mark.parametrize("dialect", NAMES)
def test_a_subject_with_a_name_is_read_by_the_grammar_of_its_tool(dialect: str) -> None:
    pack = packed(dialect, front="subject: \"{{ member.first_name | default('Hello') }}, come\"")
    GRAMMARS[dialect].read(text(pack, "subjects.txt"))
    assert ", come" in text(pack, "subjects.txt")


@pytest.mark.parametrize("dialect", sorted(set(NAMES) - {"beehiiv", "outlook", "plain"}))
def test_a_tool_that_can_greet_by_name_does(dialect: str) -> None:
    found = GRAMMARS[dialect].read(text(packed(dialect, FIELDS), "email.html"))
    assert any(does in ("field", "if") and "name" in tag.lower() for does, tag in found)


@pytest.mark.parametrize("dialect", ["beehiiv", "outlook", "plain"])
def test_a_tool_that_can_not_greets_everybody_with_the_same_words(dialect: str) -> None:
    assert "friend, and you." in text(packed(dialect, FIELDS), "email.html")


@pytest.mark.parametrize("dialect", NAMES)
def test_the_readme_opens_with_numbered_steps_and_asks_for_a_test(dialect: str) -> None:
    readme = text(packed(dialect), "README.txt")
    before, _, steps = readme.partition("WHAT TO DO")
    assert len(before.splitlines()) < 6
    assert steps.strip().startswith("1. ")
    assert "Send yourself a test" in steps
    assert "1." in steps
    assert len(readme.splitlines()) < 95


@pytest.mark.parametrize("dialect", NAMES)
def test_what_could_not_be_confirmed_is_told_in_the_pack(dialect: str) -> None:
    readme = " ".join(text(packed(dialect), "README.txt").split())
    for cell in ("unsubscribe", "view", "address"):
        if note := dialects()[dialect].uncertain.get(cell):
            assert note in readme


def test_an_unknown_dialect_is_told_with_the_nearest() -> None:
    brevo, error = each_dialect("brevo, mailchip")
    assert isinstance(brevo, Dialect)
    assert isinstance(error, InputError)
    assert "no tool 'mailchip'" in error.message
    assert "mailchimp" in error.hint


@pytest.mark.parametrize(
    ("typed", "keys"),
    [
        ("any mailbox", ["outlook"]), ("Outlook, Gmail or another mailbox", ["outlook"]),
        ("Gmail, Brevo", ["outlook", "brevo"]), ("any other tool", ["plain"]),
        ("Campaign Monitor,  constant   contact", ["campaign-monitor", "constant-contact"]),
        ("SendGrid Marketing Campaigns, sendgrid", ["sendgrid"]),
    ],
)  # fmt: skip
def test_a_tool_can_be_named_as_people_know_it(typed: str, keys: list[str]) -> None:
    assert [each.key if isinstance(each, Dialect) else each.message for each in each_dialect(typed)] == keys


def test_a_near_name_is_suggested_with_what_to_type() -> None:
    [error] = each_dialect("campain monitor")
    assert isinstance(error, InputError)
    assert error.hint == "Did you mean 'campaign-monitor', for Campaign Monitor?"
    [error] = each_dialect("xyzzy")
    assert isinstance(error, InputError)
    assert "Outlook, Gmail or another mailbox (outlook)" in error.hint


def test_all_and_lists_of_dialects() -> None:
    assert list(each_dialect("ghost, brevo,ghost")) == [dialects()["ghost"], dialects()["brevo"]]
    assert list(each_dialect("all")) == list(dialects().values())
    [error] = each_dialect("")
    assert isinstance(error, InputError)
    assert "No tool" in error.message


def test_the_grammars_are_strict() -> None:
    for dialect, wrong in {
        "mailchimp": "*|IF:FNAME|* and no end",
        "brevo": "{{contact.FIRSTNAME}}",
        "campaign-monitor": "[first name]",
        "dotdigital": "@first@",
        "constant-contact": "[#",
        "activecampaign": "%E2%80%93",
        "plain": "*|FNAME|*",
    }.items():
        with pytest.raises(AssertionError):
            GRAMMARS[dialect].read(wrong)


@pytest.mark.parametrize("dialect", ["beehiiv", "ghost"])
def test_a_tool_that_fills_in_no_fields_in_subjects_gets_plain_ones(dialect: str) -> None:
    named = "{{ member.first_name | default('Hello') }}, come"
    pack = packed(dialect, front=f'subject: "{named}"\npreheader: "{named}"\nsubjects: ["{named} again"]')
    assert "1. Hello, come\n2. Hello, come again" in text(pack, "subjects.txt")
    assert "first_name" not in text(pack, "subjects.txt")


ORGANISATIONS = {
    "mailchimp": "*|LIST:COMPANY|*",
    "hubspot": "{{ site_settings.company_name }}",
    "klaviyo": "{{ organization.name }}",
    "sendgrid": "{{Sender_Name}}",
    "constant-contact": "[[account.OrganizationName]]",
}


@pytest.mark.parametrize("dialect", NAMES)
def test_a_pack_without_branding_has_the_tools_own_name_of_its_sender_and_nobody_edits_code(dialect: str) -> None:
    pack = packed(dialect, partner=None)
    tag = ORGANISATIONS.get(dialect, "YOUR ORGANISATION")
    for path in ("email.html", "email.txt"):
        written = " ".join(text(pack, path).split())
        assert tag in written
        assert ("YOUR ORGANISATION" in written) is (dialect not in ORGANISATIONS)
    assert ("in place of YOUR ORGANISATION" in text(pack, "README.txt")) is (dialect not in ORGANISATIONS)
    GRAMMARS[dialect].read(text(pack, "email.html"))


@pytest.mark.parametrize("dialect", ["klaviyo", "sendgrid", "hubspot"])
def test_the_sender_is_named_once_in_the_last_lines(dialect: str) -> None:
    footer = text(packed(dialect, partner=None), "email.txt").rsplit(ORGANISATIONS[dialect], 1)
    assert len(footer) == 2
    page = text(packed(dialect), "email.html")
    assert page.count(ORGANISATIONS[dialect]) == (1 if dialect == "hubspot" else 0)


def test_hubspots_address_has_the_postcode_and_its_steps_say_what_plan_is_needed() -> None:
    pack = packed("hubspot")
    assert "{{ site_settings.company_zip }}" in text(pack, "email.html")
    assert "Marketing Hub Professional" in text(pack, "README.txt")


def test_mailchimps_steps_end_with_a_preview_of_live_merge_tags() -> None:
    assert "Enable live merge tag info" in " ".join(text(packed("mailchimp"), "README.txt").split())


def test_activecampaign_keeps_the_name_and_the_readme_says_to_set_its_default() -> None:
    pack = packed("activecampaign")
    assert "%FIRSTNAME%" in text(pack, "email.html")
    assert "set the default of FIRSTNAME to “friend”" in " ".join(text(pack, "README.txt").split())


@pytest.mark.parametrize(
    ("language", "tag", "noted"),
    [("en", "EN", False), ("fr", "FR", False), ("de-AT", "DE", False), ("nl", "NL", False), ("cy", "EN", True)],
)
def test_mailjets_unsubscribe_page_is_in_the_language_of_the_newsletter_if_it_has_one(
    language: str, tag: str, noted: bool
) -> None:
    pack = packed("mailjet", front=f"language: {language}")
    for path in ("email.html", "email.txt", "source/newsletter.mjml"):
        assert set(re.findall(r"\[\[UNSUB_LINK_(.*?)\]\]", text(pack, path))) == {tag}, path
    assert ("unsubscribe page opens in English" in " ".join(text(pack, "README.txt").split())) is noted


def test_ghosts_list_needs_a_name_which_is_all_that_ghost_has() -> None:
    pack = packed("ghost", FIELDS)
    assert '{first_name, "friend"}' in text(pack, "email.html")
    assert "Your list needs these fields, called just so: name." in text(pack, "README.txt")


@pytest.mark.parametrize("dialect", NAMES)
def test_the_last_lines_name_the_organisation_once(dialect: str) -> None:
    known = dialects()[dialect]
    values = {"name": "Bath Bees", "address": "Bath bees / 2 Hive Lane"}
    partner = partner_of(values, Path(), Fail(Path("p.yml"), lambda key: 1))
    assert partner.address == "2 Hive Lane"
    pack = packed(dialect, FIELDS, partner)
    footer = text(pack, "email.txt").rpartition("-- \n")[2]
    ours = "\n".join(line for line in footer.splitlines() if "mailing list of" not in line).count("Bath Bees")
    assert ours == (0 if known.names_sender else 1)
    page = text(pack, "email.html")
    assert ("2 Hive Lane" in page) is not bool(known.address or known.names_sender)
    if known.names_sender and known.address:
        assert page.count(known.address) == footer.count(known.address) == 1
