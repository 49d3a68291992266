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

from daisychain.errors import InputError
from newsletters.packs.pack import save
from newsletters.packs.partner import Partner
from newsletters.packs.social_posts import NETWORKS, length
from newsletters.packs.zip_files import zipped
from tests.newsletters.packs.packing import PARTNER, PUBLIC, packed, text, texts

ALWAYS = {
    "README.html", "README.txt", "email.html", "email.txt", "subjects.txt", "draft.eml", "pack.json",
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
    assert 'mc:edit="text1"' in page
    assert page.count("mc:edit=") == len({part.split('"')[0] for part in page.split('mc:edit="')[1:]})


def test_the_draft_opens_as_a_new_message_with_its_pictures_inside() -> None:
    message = message_from_bytes(packed("brevo").files["draft.eml"], policy=policy.default)
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
    pasted = "\n".join(text(pack, path) for path in sorted(pack.files) if path.startswith("paste/"))
    for line in ("PICTURE   images/tent.png", "ALT TEXT  A striped tent.", "BUTTON    Join us", "HEADING"):
        assert line in pasted
    assert "ADDRESS   https://fairs.example/join" in pasted
    assert "Unsubscribe" not in pasted


def test_links_to_the_coalition_carry_the_partners_code_and_others_do_not() -> None:
    pack = packed("brevo", utm=(("utm_source", "{partner}"), ("utm_medium", "email")))
    mark = "utm_source=bees&amp;utm_medium=email&amp;partner=bees"
    for path in ("email.html", "website/snippet.html", "source/newsletter.mjml"):
        assert f"https://fairs.example/join?{mark}" in text(pack, path), path
    assert f"{PUBLIC}/toolkits/spring-fair?{mark}" in text(pack, "email.html")
    assert "https://maps.example/fair" in text(pack, "email.html")
    assert "maps.example/fair?" not in "".join(texts(pack).values())
    for path in ("email.txt", "social/x.txt"):
        assert "https://fairs.example/join?utm_source=bees&utm_medium=email&partner=bees" in text(pack, path), path


def test_without_the_code_links_stay_as_they_are() -> None:
    assert 'href="https://fairs.example/join"' in text(packed("brevo", code=False), "email.html")
    assert "partner=" not in "".join(texts(packed("brevo", partner=None)).values())


def test_posts_are_sorted_by_the_room_that_networks_have() -> None:
    long = "Come to the fair! " * 20
    pack = packed("brevo", toolkit=None)
    assert f"({length('Come to the fair! https://fairs.example/join?partner=bees', 'x')} characters)" in text(
        pack, "social/x.txt"
    )
    assert length(long, "x") > NETWORKS["x"][1]
    assert length("See https://fairs.example/a/very/long/address/indeed", "x") == 27


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
    paths = [path for path in pack.files if path.startswith("paste/")]
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
