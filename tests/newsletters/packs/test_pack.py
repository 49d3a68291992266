"""Packs: what is in them, and how they are written to disk."""

from __future__ import annotations

import html as htmllib
import io
import re
import zipfile
from dataclasses import replace
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from selectolax.lexbor import LexborHTMLParser as HTMLParser

from daisychain.errors import InputError
from newsletters.packs.dialects.dialect import dialects
from newsletters.packs.pack import save
from newsletters.packs.partner import Partner
from newsletters.packs.social_posts import NETWORKS, length
from newsletters.packs.zip_files import zipped
from tests.newsletters import sample_toolkits
from tests.newsletters.packs.grammars import GRAMMARS
from tests.newsletters.packs.packing import EVERY_BLOCK, PARTNER, PUBLIC, SHIPPED, kit, packed, text, texts

ALWAYS = {
    "README.html", "README.txt", "email.html", "email.txt", "subjects.txt", "pack.json",
    "preview.html", "preview/email.html",
    "source/newsletter.mjml", "source/brand.yml", "images/tent.png", "images/alt-texts.txt", "copy/short.txt",
    "website/snippet.html", "social/x.txt", "social/facebook.txt",
}  # fmt: skip


def test_a_pack_holds_all_that_a_partner_may_need() -> None:
    pack = packed("mailchimp")
    assert set(pack.files) >= ALWAYS | {"mailchimp.zip"}
    assert any(path.startswith("paste/01-") for path in pack.files)
    assert "mailchimp.zip" not in packed("brevo").files


def test_every_file_is_named_in_the_readme() -> None:
    pack = packed("mailchimp")
    for path in pack.files:
        name = path if "/" not in path else path.split("/")[0] + "/"
        if not path.startswith("README"):
            assert name in text(pack, "README.html"), name
            assert name in text(pack, "README.txt"), name


def test_the_page_shows_the_pictures_of_the_pack_and_nothing_from_elsewhere() -> None:
    pack = packed("brevo")
    sources = re.findall(r'<img[^>]*\ssrc="([^"]*)"', text(pack, "email.html"))
    assert sources
    assert all(source in pack.files for source in sources)


def test_pictures_are_hosted_by_the_coalition_only_by_choice() -> None:
    pack = packed("brevo", hosted=True)
    assert f'src="{PUBLIC}/i/' in text(pack, "email.html")
    assert "come from https://news.example.org" in text(pack, "README.txt")
    assert f"{PUBLIC}/i/" not in text(packed("brevo"), "email.html")


def test_the_mailchimp_zip_is_one_page_and_its_pictures_beside_it() -> None:
    archive = zipfile.ZipFile(io.BytesIO(packed("mailchimp").files["mailchimp.zip"]))
    assert sorted(archive.namelist()) == ["newsletter.html", "tent.png"]
    page = archive.read("newsletter.html").decode()
    assert 'src="tent.png"' in page
    names = re.findall(r' mc:edit="([^"]*)"', page)
    assert names[0] == "text1"
    assert names[-1] == "footer"
    assert len(names) == len(set(names))


def test_each_word_of_the_mailchimp_zip_can_be_edited_and_the_footer_too() -> None:
    archive = zipfile.ZipFile(io.BytesIO(packed("mailchimp", EVERY_BLOCK, **SHIPPED).files["mailchimp.zip"]))
    page = archive.read("newsletter.html").decode()
    tree = HTMLParser(re.sub(r"<!--.*?-->|\*\|[^|]*\|\*", "", page, flags=re.DOTALL))
    for region in tree.css("[mc\\:edit]"):
        assert not region.css("[mc\\:edit] [mc\\:edit]")
        region.decompose()
    assert tree.body
    assert " ".join(re.findall(r"\w+", tree.body.text(separator=" "))) == "And welcome"  # the preview text
    assert "*|UNSUB|*" in page.split('mc:edit="footer"')[1]


def test_the_draft_opens_as_a_new_message_with_its_pictures_inside() -> None:
    message = message_from_bytes(packed("outlook").files["draft.eml"], policy=policy.default)
    assert message["X-Unsent"] == "1"
    assert message["From"] is message["To"] is message["Date"] is message["Message-ID"] is None
    html = message.get_body(("html",))
    assert html
    page = html.get_content()
    inside = {part["Content-ID"].strip("<>") for part in message.walk() if part["Content-ID"]}
    assert set(re.findall(r'<img[^>]*\ssrc="cid:([^"]*)"', page)) == inside
    assert "Dear friend" in page
    assert "{{" not in page


def test_the_page_for_a_mailbox_is_one_plain_column() -> None:
    page = text(packed("outlook"), "email.html")
    assert "<style" not in page
    assert "[if mso" not in page
    assert (
        page.index("Come to the fair") < page.index("Dear friend") < page.index("Join us") < page.index("2 Hive Lane")
    )


def test_parts_to_paste_hold_words_picture_and_button_address() -> None:
    pack = packed("beehiiv")
    pasted = "\n".join(text(pack, path) for path in sorted(pack.files) if re.match(r"paste/.*\.txt", path))
    for line in ("PICTURE   images/tent.png", "ALT TEXT  A striped tent.", "BUTTON    Join us", "HEADING"):
        assert line in pasted
    assert "ADDRESS   https://fairs.org.uk/join" in pasted
    assert "Unsubscribe" not in pasted


def test_links_to_the_coalition_carry_the_partners_code_and_others_do_not() -> None:
    pack = packed("brevo", utm=(("utm_source", "{partner}"), ("utm_medium", "email")))
    mark = "utm_source=bees&amp;utm_medium=email&amp;partner=bees"
    for path in ("email.html", "website/snippet.html", "source/newsletter.mjml"):
        assert f"https://fairs.org.uk/join?{mark}" in text(pack, path), path
    assert f"{PUBLIC}/toolkits/spring-fair?{mark}" in text(pack, "email.html")
    assert "https://maps.example/fair" in text(pack, "email.html")
    assert "maps.example/fair?" not in "".join(texts(pack).values())
    for path in ("email.txt", "social/x.txt"):
        assert "https://fairs.org.uk/join?utm_source=bees&utm_medium=email&partner=bees" in text(pack, path), path


def test_without_the_code_links_stay_as_they_are() -> None:
    assert 'href="https://fairs.org.uk/join"' in text(packed("brevo", code=False), "email.html")
    assert "partner=" not in "".join(texts(packed("brevo", partner=None)).values())


def test_posts_are_sorted_by_the_room_that_networks_have() -> None:
    long = "Come to the fair! " * 20
    pack = packed("brevo", toolkit=None)
    assert f"({length('Come to the fair! https://fairs.org.uk/join?partner=bees', 'x')} characters)" in text(
        pack, "social/x.txt"
    )
    assert length(long, "x") > NETWORKS["x"][1]
    assert length("See https://fairs.org.uk/a/very/long/address/indeed", "x") == 27


def test_a_snippet_for_a_website_has_no_style_of_its_own() -> None:
    snippet = text(packed("brevo"), "website/snippet.html")
    assert snippet.startswith("<section>\n  <h2>Spring Fair</h2>")
    assert "style" not in snippet
    assert "class" not in snippet


def test_a_pack_without_branding_says_what_to_write_in_it() -> None:
    pack = packed("brevo", partner=None)
    for word in ("YOUR ORGANISATION", "YOUR POSTAL ADDRESS"):
        assert word in text(pack, "email.html")
        assert word in text(pack, "README.txt")


def test_the_same_pack_is_the_same_bytes() -> None:
    assert zipped(packed("mailchimp").files) == zipped(packed("mailchimp").files)


def test_a_zip_holds_one_folder(tmp_path: Path) -> None:
    place = save(packed("brevo"), tmp_path, as_zip=True)
    assert place.name == "bees-brevo.zip"
    assert {name.split("/")[0] for name in zipfile.ZipFile(place).namelist()} == {"bees-brevo"}


def test_a_zip_takes_the_place_of_a_link_of_its_name(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("ten years")
    (tmp_path / "bees-brevo.zip").symlink_to(tmp_path / "thesis.txt")
    place = save(packed("brevo"), tmp_path, as_zip=True)
    assert zipfile.is_zipfile(place)
    assert (tmp_path / "thesis.txt").read_text() == "ten years"


def test_an_older_pack_is_replaced_and_nothing_else_is(tmp_path: Path) -> None:
    place = save(packed("brevo"), tmp_path, as_zip=False)
    (place / "old.txt").write_text("old")
    assert not (save(packed("brevo"), tmp_path, as_zip=False) / "old.txt").exists()
    (tmp_path / "bees-ghost").mkdir()
    (tmp_path / "bees-ghost" / "thesis.txt").write_text("ten years")
    with pytest.raises(InputError, match="that is not a pack"):
        save(packed("ghost"), tmp_path, as_zip=False)
    assert (tmp_path / "bees-ghost" / "thesis.txt").exists()


@pytest.mark.parametrize("as_zip", [False, True], ids=["folder", "zip"])
@pytest.mark.parametrize("other", [replace(PARTNER, name="Bees of Batheaston"), None], ids=["partner", "nobody"])
def test_the_pack_of_another_partner_is_never_replaced(tmp_path: Path, other: Partner | None, as_zip: bool) -> None:
    theirs = replace(packed("brevo", partner=other), partner=other)
    place = save(theirs, tmp_path, as_zip=as_zip)
    place = place.rename(tmp_path / place.name.replace("may-", "bees-"))
    before = place.read_bytes() if as_zip else (place / "pack.json").read_bytes()
    with pytest.raises(InputError, match="holds the pack of"):
        save(packed("brevo"), tmp_path, as_zip=as_zip)
    assert before == (place.read_bytes() if as_zip else (place / "pack.json").read_bytes())


def test_a_partner_with_a_new_name_replaces_the_pack_of_its_former_name(tmp_path: Path) -> None:
    save(packed("brevo"), tmp_path, as_zip=False)
    renamed = packed("brevo", partner=replace(PARTNER, name="Bath Bees", formerly="Bees of  BATH"))
    assert "Bath Bees" in (save(renamed, tmp_path, as_zip=False) / "pack.json").read_text()


def test_parts_begin_with_headings_and_their_pictures_and_are_named_for_them() -> None:
    body = 'Hi.\n\n::: story "Été à Bath" image=tent\nOne.\n:::\n\n## Two\n\n![](tent)\n\nWords.\n'
    pack = packed("ghost", body)
    paths = [path for path in pack.files if re.match(r"paste/.*\.txt", path)]
    assert paths == ["paste/01-text.txt", "paste/02-ete-a-bath.txt", "paste/03-two.txt"]
    first, second, third = (text(pack, path) for path in paths)
    assert first == "Hi.\n"
    assert second.startswith("PICTURE   images/tent.png\nALT TEXT  A striped tent.\n\nHEADING\nÉté à Bath\n\nOne.")
    assert third == "HEADING\nTwo\n\nPICTURE   images/tent.png\nALT TEXT  A striped tent.\n\nWords.\n"


def test_a_part_to_paste_has_the_conditions_of_the_tool() -> None:
    body = '{% if member.first_name %}\n::: button "Join us" href="https://a.example/"\n{% endif %}\n'
    pasted = text(packed("brevo", body), "paste/01-text.txt")
    assert pasted.split("\n\n") == [
        "{% if contact.FIRSTNAME %}", "BUTTON    Join us\nADDRESS   https://a.example/", "{% endif %}\n",
    ]  # fmt: skip


def test_links_to_the_coalition_are_marked_on_the_plain_page_and_in_its_parts() -> None:
    page, pasted = (text(packed("outlook"), path) for path in ("email.html", "paste/01-come-to-the-fair.txt"))
    assert f'href="{PUBLIC}/toolkits/spring-fair?partner=bees"' in page
    assert f"the toolkit <{PUBLIC}/toolkits/spring-fair?partner=bees>" in pasted


def test_a_pack_names_its_partner() -> None:
    assert packed("brevo").name == f"{PARTNER.code}-brevo"
    assert packed("brevo", partner=None).name == "may-brevo"


def test_the_readme_lets_people_copy_the_code_with_the_addresses_of_their_pictures() -> None:
    readme = text(packed("brevo"), "README.html")
    assert 'data-picture="images/tent.png"' in readme
    code = re.search(r"<textarea[^>]*>(.*?)</textarea>", readme, re.DOTALL)
    assert code
    assert htmllib.unescape(code[1]) == text(packed("brevo"), "email.html")
    assert "data-picture=" not in text(packed("brevo", hosted=True), "README.html")


@pytest.mark.parametrize("dialect", ["mailchimp", "campaign-monitor", "ghost", "outlook"])
def test_who_pastes_no_code_is_given_none(dialect: str) -> None:
    assert "<textarea" not in text(packed(dialect), "README.html")


def test_a_mailbox_is_tested_before_the_others_are_put_into_bcc() -> None:
    readme = text(packed("outlook"), "README.txt")
    assert readme.index("Send yourself a test") < readme.index("Bcc") < readme.index("Send it.")
    assert "Look at your name" not in readme.replace("\n", " ")


def test_campaign_monitor_gets_the_pictures_as_a_zip_of_their_own() -> None:
    archive = zipfile.ZipFile(io.BytesIO(packed("campaign-monitor").files["campaign-monitor.zip"]))
    assert archive.namelist() == ["images/tent.png"]


ALTERNATIVES = """\
subject: Hello
subjects:
  - "{{ member.first_name | default('You') }}, come to the fair"
  - Tents, tea and you
preheaders:
  - On Saturday, in your town
"""


def test_the_newsletters_own_alternatives_are_offered_and_no_titles_of_copy() -> None:
    subjects = text(packed("brevo", front=ALTERNATIVES), "subjects.txt")
    assert "2. {{ contact.FIRSTNAME|default:'You' }}, come to the fair" in subjects
    assert "3. Tents, tea and you" in subjects
    assert "4." not in subjects
    assert "1. On Saturday, in your town" in subjects


def test_an_alternative_that_a_tool_would_misread_is_refused() -> None:
    front = "subject: Hello\nsubjects: ['Use *|FNAME|*']"
    assert "Use *|FNAME|*" in text(packed("brevo", front=front), "subjects.txt")
    with pytest.raises(InputError, match="in the subjects"):
        packed("mailchimp", front=front)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Dear {{ member.first_name | default('you') }},\n\nCome.", ["Dear you,", "We keep bees.", "Come."]),
        ("Hello,\n\n::: copy welcome", ["Hello,", "We keep bees.", "Come to the"]),
        ("Come, all of you,\nto the fair.", ["We keep bees.", "Come, all of you,"]),
        ("::: hero Come\n:::\n\nDear all,", ["Come", "Dear all,", "We keep bees."]),
    ],
)
def test_the_partners_own_paragraph_comes_after_the_greeting(before: str, after: list[str]) -> None:
    page = text(packed("plain", before, replace(PARTNER, intro="We keep bees.")), "email.txt")
    places = [page.index(words) for words in after]
    assert places == sorted(places)


def test_x_counts_an_emoji_twice() -> None:
    assert length("Come 🌼", "x") == 7
    assert length("Come 🌼", "bluesky") == 6


def test_the_designers_source_holds_no_marks_of_ours() -> None:
    assert "<!--@" not in text(packed("brevo"), "source/newsletter.mjml")


RICH = """\
Dear {{ member.first_name | default("friend") }},

You gave **£1,204.50**. See [how](https://a.example/how).

> We had a *list*.

| town | money |
|---|---:|
| Hull | £1,700 |
| **Leeds** | £10,050.50 |

::: numbers "Made possible"
::: number "1,204" label="doors"
:::

::: quote by="Mabel, 83"
As far as the **dunnock**.
:::

::: note
### A box
Words.
:::

::: button "Join us" href="https://a.example/" style=accent
"""
PLUM = replace(PARTNER, accent="#7a1f5c")


@pytest.mark.parametrize("dialect", ["outlook", "ghost", "beehiiv"])
def test_a_simple_email_keeps_tables_amounts_quotes_bold_and_the_partners_colour(dialect: str) -> None:
    page = text(packed(dialect, RICH, PLUM), "email.html")
    assert "<style" not in page
    tree = HTMLParser(page)
    assert [[cell.text() for cell in row.css("th, td")] for row in tree.css("table table tr")][:3] == [
        ["town", "money"], ["Hull", "£1,700"], ["Leeds", "£10,050.50"],
    ]  # fmt: skip
    assert {"£1,204.50", "Leeds", "1,204", "dunnock"} <= {bold.text() for bold in tree.css("strong")}
    assert [" ".join(quote.text().split()) for quote in tree.css("blockquote")] == [
        "We had a list.",
        "As far as the dunnock. — Mabel, 83",
    ]
    for part in ("a[href^=http]", "blockquote", "strong", "td.accent"):
        assert any("#7a1f5c" in (each.attributes.get("style") or "") for each in tree.css(part)), part


def test_a_part_to_paste_is_also_a_page_that_keeps_its_look() -> None:
    pack = packed("ghost", RICH, PLUM)
    paths = [path.removesuffix(".txt") for path in pack.files if re.match(r"paste/.*\.txt", path)]
    assert {f"{path}.html" for path in paths} == {path for path in pack.files if re.match(r"paste/.*\.html", path)}
    pages = [text(pack, f"{path}.html") for path in sorted(paths)]
    whole = "".join(pages)
    for kept in ("<strong>£1,204.50</strong>", "<blockquote", "£10,050.50</td>", "#7a1f5c", "{first_name,", "Join us"):
        assert whole.count(kept) >= 1, kept
    assert all(page.count("<div") == page.count("</div>") == 1 for page in pages)
    for tag in ("table", "blockquote"):
        assert all(page.count(f"<{tag}") == page.count(f"</{tag}>") for page in pages), tag
    assert not any("mailing list of" in page for page in pages)  # the tool has a footer of its own
    assert "TABLE\ntown\tmoney\nHull\t£1,700\nLeeds\t£10,050.50\n" in text(pack, "paste/01-text.txt")
    assert "QUOTE\nWe had a list." in text(pack, "paste/01-text.txt")


def test_each_block_is_in_the_page_of_its_part() -> None:
    pack = packed("ghost", EVERY_BLOCK, **SHIPPED)
    for path in filter(re.compile(r"paste/.*\.txt").match, pack.files):
        page = HTMLParser(text(pack, path.replace(".txt", ".html")))
        assert page.body
        shown = set(re.findall(r"\w+", page.body.text(separator=" ")))
        said = re.sub(r"(?m)^(PICTURE|ALT TEXT|LINK|ADDRESS) .*|^[A-Z]{5,}\b|<[^>]*>", "", text(pack, path))
        assert set(re.findall(r"\w+", said)) <= shown, path
        for source in page.css("img"):
            assert f"paste/{source.attributes['src']}".replace("paste/../", "") in pack.files


IN_A_PART = """\
::: image tent

Dear {{ member.first_name | default("friend") }},

::: copy welcome
"""


@pytest.mark.parametrize("dialect", sorted(dialects()))
def test_each_pack_has_a_preview_of_the_email_as_the_partners_supporters_get_it(dialect: str) -> None:
    for partner in (PARTNER, replace(PARTNER, address=""), None):
        if partner and not partner.address and dialect not in ("mailchimp", "hubspot", "klaviyo", "ghost"):
            continue
        pack = packed(dialect, IN_A_PART, partner)
        frame, page = text(pack, "preview.html"), text(pack, "preview/email.html")
        assert frame.count('src="preview/email.html"') == 2
        assert "Hello" in frame
        assert "Bees of Bath" in frame if partner else "Your organisation" in frame
        for grammar in GRAMMARS.values():
            assert not grammar.read(re.sub(r"<!--.*?-->|<style.*?</style>", "", page, flags=re.DOTALL))
        assert ("Dear friend" if dialect in ("beehiiv", "outlook", "plain") else "Dear Sam") in page
        for source in re.findall(r'<img[^>]*\ssrc="([^"]*)"', page):
            assert source.removeprefix("../") in pack.files
        known = dialects()[dialect]
        if partner and partner.address and (known.address or not known.names_sender):
            assert "2 Hive Lane" in page
        assert 'href="preview.html"' in text(pack, "README.html")


def test_the_preview_shows_the_part_of_a_condition_that_a_reader_with_the_field_gets() -> None:
    body = "{% if member.first_name %}Dear you{% else %}Hello{% endif %}, come.\n"
    assert "Dear you, come." in text(packed("brevo", body), "preview/email.html")


@pytest.mark.parametrize("dialect", sorted(set(dialects()) - {"mailchimp", "campaign-monitor", "outlook"}))
def test_a_zip_holds_each_picture_once_where_the_tool_needs_no_zip_or_draft_of_it(dialect: str, tmp_path: Path) -> None:
    archive = zipfile.ZipFile(save(packed(dialect), tmp_path, as_zip=True))
    pictures = [name for name in archive.namelist() if name.endswith((".png", ".jpg", ".zip", ".eml"))]
    assert pictures == [f"bees-{dialect}/images/tent.png"]


@pytest.mark.parametrize("dialect", sorted(dialects()))
def test_nobody_edits_code_to_make_a_pack_without_branding_its_own(dialect: str) -> None:
    pack = packed(dialect, partner=None)
    code, readme = text(pack, "email.html"), text(pack, "README.html")
    for words in ("YOUR ORGANISATION", "YOUR POSTAL ADDRESS"):
        line = f'data-words="{words}"' in readme
        assert line is (words in code and not dialects()[dialect].simple), words
    assert ("<textarea" in readme) is (dialects()[dialect].code or dialect == "campaign-monitor")


WELSH = sample_toolkits.BLOCK.replace("id: welcome", "id: welcome.cy").replace("*fair*", "ffair a phawb ynddi")
ENGLISH_POST = """\
---
id: late
title: A post that nobody translated
version: 1
approved by: A. Trustee
channels: social, web
length: short
---

Come to the fair, and bring all of your friends with you! https://fairs.org.uk/join
"""


def test_copy_and_suggestions_are_in_the_language_of_the_pack_or_say_that_they_are_not() -> None:
    toolkit = kit(late=ENGLISH_POST, welcome_cy=WELSH)
    welsh = packed("brevo", "Dewch.\n", front="language: cy", toolkit=toolkit)
    for path in ("copy/short.txt", "social/x.txt"):
        assert "in English" in text(welsh, path), path
    assert "ffair a phawb" in text(welsh, "copy/short.txt")
    assert "*fair*" not in text(welsh, "copy/short.txt")
    assert "are in English, as the toolkit has none in Welsh: copy/, social/" in " ".join(
        text(welsh, "README.txt").split()
    )
    english = packed("brevo", toolkit=toolkit)
    assert not any("in English" in content for content in texts(english).values())
    assert "ffair" not in "".join(texts(english).values())


def test_suggestions_in_english_stand_apart_in_a_pack_of_another_language() -> None:
    toolkit = kit(late=ENGLISH_POST.replace("channels: social, web", "channels: email"))
    english = text(packed("brevo", "::: copy late\n", toolkit=toolkit), "subjects.txt")
    assert "A post that nobody translated" in english.partition("PREVIEW TEXT")[0]
    assert "IN ENGLISH" not in english
    welsh = packed("brevo", "::: copy late\n", front="language: cy", toolkit=toolkit)
    own, _, foreign = text(welsh, "subjects.txt").partition("IN ENGLISH, TO TRANSLATE")
    assert "A post that nobody translated" in foreign
    assert "A post that nobody translated" not in own
    shipped = packed("brevo", "Dewch.\n", front="language: cy", **SHIPPED)
    own, _, foreign = text(shipped, "subjects.txt").partition("IN ENGLISH, TO TRANSLATE")
    assert "coronavirus" in foreign
    assert "coronavirus" not in own
    snippet = text(shipped, "website/snippet.html")
    assert snippet.startswith('<section lang="en">')
    assert "Ymunwch â" in snippet


@pytest.mark.parametrize("dialect", ["mailchimp", "ghost", "hubspot", "outlook"])
def test_an_arabic_pack_keeps_numbers_in_their_order_and_says_what_is_struck_out(dialect: str) -> None:
    body = "مرحبا، اتصل +44 20 7946 0000، ~~£10~~ £5.\n\n::: button اتصل href='mailto:a@b.example?subject=Hi'\n"
    pack = packed(dialect, body.replace("'", '"'), front="language: ar")
    assert '<span dir="ltr">+44 20 7946 0000</span>' in text(pack, "email.html")
    for path in ("email.txt", "paste/01-text.txt"):
        assert "\u2066+44 20 7946 0000\u2069، ~\u2066£10\u2069~ \u2066£5\u2069." in text(pack, path)
    assert "\na@b.example\n" in text(pack, "email.txt")
