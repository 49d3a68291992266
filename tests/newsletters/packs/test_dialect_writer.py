"""Writing in a dialect: fields, conditions, collisions, and what belongs to the coalition."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from daisychain.errors import InputError
from tests.newsletters.packs.grammars import GRAMMARS
from tests.newsletters.packs.packing import PARTNER, PUBLIC, packed, text, texts

IF_NAMED = "{% if member.first_name %}Dear {{ member.first_name }}{% else %}Hello{% endif %}, come.\n"
CONDITIONAL = ("mailchimp", "brevo", "klaviyo", "postmark")


@pytest.mark.parametrize("dialect", CONDITIONAL)
def test_a_part_for_those_who_have_a_field_becomes_the_tools_own_condition(dialect: str) -> None:
    grammar = GRAMMARS[dialect]
    page = text(packed(dialect, IF_NAMED), "email.html")
    assert {"if", "end"} <= {does for does, _ in grammar.read(page)}
    assert "Hello" in page
    grammar.read(text(packed(dialect, IF_NAMED), "email.txt"))


@pytest.mark.parametrize("dialect", ["hubspot", "ghost", "activecampaign", "campaign-monitor"])
def test_a_condition_that_a_dialect_can_not_express_is_an_error_that_says_what_to_do(dialect: str) -> None:
    with pytest.raises(InputError, match="can't show a part") as error:
        packed(dialect, IF_NAMED)
    assert error.value.place == "may.md:6"
    assert "one text for everybody" in error.value.hint


def test_a_part_for_those_without_a_field_is_the_tools_else() -> None:
    body = "{% if not member.first_name %}Hello{% else %}Dear you{% endif %}, come.\n"
    assert "*|IF:FNAME|*Dear you*|ELSE:|*Hello*|END:IF|*, come." in text(packed("mailchimp", body), "email.html")


def test_a_number_after_an_item_for_some_people_depends_on_the_tools_condition() -> None:
    pack = packed("mailchimp", "1. one\n{% if member.first_name %}\n2. two\n{% endif %}\n3. three\n")
    assert "*|IF:FNAME|*3*|ELSE:|*2*|END:IF|*. three" in text(pack, "email.txt")
    assert re.search(r"</li>\s*\*\|IF:FNAME\|\*\s*<li[^>]*>two</li>\s*\*\|END:IF\|\*\s*<li", text(pack, "email.html"))


def test_a_mailbox_shows_what_stands_for_those_without_the_field() -> None:
    assert "Hello, come." in text(packed("outlook", IF_NAMED), "email.html")


def test_a_test_of_a_value_can_be_told_by_no_dialect() -> None:
    with pytest.raises(InputError, match="by this test") as error:
        packed("mailchimp", '{% if member.town == "Bath" %}Bees{% endif %} here.', front="fields: [town]")
    assert "whether a field has a value" in error.value.hint


def test_a_block_for_some_people_is_wrapped_whole() -> None:
    body = "{% if member.first_name %}\n::: note\nHello.\n:::\n{% endif %}\n\nBye."
    found = GRAMMARS["mailchimp"].read(text(packed("mailchimp", body), "email.html"))
    assert [does for does, _ in found if does in ("if", "end")] == ["if", "end"]


def test_fields_of_ones_own_are_named_as_the_tool_names_them() -> None:
    pack = packed("brevo", "Your town: {{ member.town }}.", front="fields: [town]")
    assert "{{ contact.TOWN }}" in text(pack, "email.html")
    assert "TOWN" in text(pack, "README.txt")
    assert "Contact attributes whether your fields are called" in " ".join(text(pack, "README.txt").split())


@pytest.mark.parametrize(
    ("dialect", "body", "says"),
    [
        ("klaviyo", "Your town: {{ member.town }}.", "fill in the field 'town'"),
        ("plain", "Dear {{ member.first_name }},", "fill in the field 'first_name'"),
        ("brevo", "Dear {{ member.first_name | upper }},", "work out this expression"),
        ("brevo", "[Go](https://a.example/?n={{ member.first_name }})", "into a link"),
        ("brevo", 'Dear {{ member.first_name | default("a|b") }},', "in the words"),
        ("mailerlite", 'Dear {{ member.first_name | default("{$x}") }},', "as its own|in the words"),
    ],
)
def test_what_a_dialect_can_not_say_is_an_error_with_its_line(dialect: str, body: str, says: str) -> None:
    with pytest.raises(InputError, match=says) as error:
        packed(dialect, body, front="fields: [town]")
    assert error.value.hint


def test_a_quote_in_the_words_for_people_without_a_name_becomes_typographic() -> None:
    page = text(packed("brevo", """Dear {{ member.first_name | default("neighbour's friend") }},"""), "email.html")
    assert "{{ contact.FIRSTNAME|default:'neighbour’s friend' }}" in page


@pytest.mark.parametrize(
    ("dialect", "words"),
    [
        ("mailchimp", "Write `*|FNAME|*` for the name."),
        ("brevo", "`{% raw %}{{ x }}{% endraw %}`"),
        ("campaign-monitor", "Bring tea [free] with you."),
        ("dotdigital", "We sell at @COST@ only."),
        ("mailerlite", "It costs {$five}."),
        ("constant-contact", "It costs ${five}."),
        ("activecampaign", "[Map](https://a.example/%E2%80%93)"),
        ("mailjet", "See [[here]]."),
        ("ghost", "Write {first_name} there."),
    ],
)
def test_content_that_a_tool_would_take_for_its_own_tag_is_refused(dialect: str, words: str) -> None:
    with pytest.raises(InputError, match="as its own") as error:
        packed(dialect, words)
    assert "Write it otherwise" in error.value.hint


@pytest.mark.parametrize("field", ["address", "charity_number", "name"])
@pytest.mark.parametrize(
    ("dialect", "words"),
    [
        ("mailjet", "[[UNSUB_LINK]]"),
        ("campaign-monitor", "[firstname]"),
        ("mailerlite", "{$unsubscribe}"),
        ("dotdigital", "@EMAIL@"),
        ("constant-contact", "[[trackingImage]]"),
    ],
)
def test_a_partner_puts_no_tag_of_the_tool_into_its_own_pack(dialect: str, words: str, field: str) -> None:
    with pytest.raises(InputError, match="as its own"):
        packed(dialect, partner=replace(PARTNER, **{field: f"1 {words} Road"}))


def test_a_partners_address_is_not_looked_at_where_the_tool_writes_its_own() -> None:
    partner = replace(PARTNER, address="1 *|FNAME|* Road")
    assert "*|FNAME|* Road" not in text(packed("mailchimp", partner=partner), "email.html")


def test_what_only_looks_like_a_tag_is_let_through() -> None:
    words = "100% of it, write to a@bees.example or b@bees.example. [1] Tea (50%)."
    for dialect in ("activecampaign", "dotdigital", "brevo", "constant-contact"):
        assert "100% of it" in text(packed(dialect, words), "email.html")


def test_campaign_monitor_gets_elements_and_no_links() -> None:
    pack = packed("campaign-monitor")
    page = text(pack, "email.html")
    assert "<unsubscribe>Unsubscribe</unsubscribe>" in page
    assert page.count("<webversion>View in your browser</webversion>") == 2
    assert "data-ogsc" not in page
    assert "[unsubscribe]" in text(pack, "email.txt")


@pytest.mark.parametrize(("address", "direction"), [("2 Hive Lane\nBath", "ltr"), ("2 شارع النور\nلندن", "rtl")])
def test_an_address_in_a_mail_from_right_to_left_stands_in_its_own_order(address: str, direction: str) -> None:
    partner = replace(PARTNER, address=address)
    lines = ", ".join(f'<span dir="auto">{line}</span>' for line in address.splitlines())
    for dialect in ("brevo", "outlook"):
        pack = packed(dialect, front="language: ar", partner=partner)
        assert f'<span dir="{direction}">{lines}</span>' in text(pack, "email.html")
        assert "".join(f"\u2068{line}\u2069\n" for line in address.splitlines()) in text(pack, "email.txt")


def test_a_tool_that_adds_its_own_footer_gets_no_link_and_no_lonely_dot() -> None:
    page = text(packed("ghost"), "email.html")
    assert "Unsubscribe" not in page
    assert "View in your browser" not in page
    assert not re.search(r"<p[^>]*>(?:\s|&nbsp;|·|&#160;)*</p>", page)
    assert "Unsubscribe" not in text(packed("ghost"), "email.txt")


def test_a_mailbox_says_that_people_leave_by_answering() -> None:
    pack = packed("outlook")
    for path in ("email.html", "email.txt"):
        assert "To get no more of these emails, answer this one" in text(pack, path)
    assert "Bcc" in text(pack, "README.txt")


@pytest.mark.parametrize("dialect", ["mailchimp", "outlook", "campaign-monitor", "ghost"])
def test_the_coalitions_own_tracking_and_unsubscribing_never_leave(dialect: str) -> None:
    pack = packed(dialect)
    ours = "/u/|/v/|/preferences/|Choose what you get|clicktracking"
    traces = re.compile(rf"{re.escape(PUBLIC)}/(?:o|c)/|{ours}|d[0-9a-f]{{8}}[A-Z]\d+z")
    for path, content in texts(pack).items():
        assert not traces.search(content), path
    assert b"List-Unsubscribe" not in pack.files.get("draft.eml", b"")


@pytest.mark.parametrize(
    "path", ["u/abcdefghijklmnopqrstuv", "c/abcdefghijklmnopqrstuv/3", "v/abc", "o/abc.gif", "preferences/abc"]
)
def test_a_link_copied_out_of_one_of_the_coalitions_mails_is_refused(path: str) -> None:
    for body in (f"[Go]({PUBLIC}/{path})", f"Go to {PUBLIC}/{path}."):
        with pytest.raises(InputError, match="one of the coalition's own members"):
            packed("brevo", body)
