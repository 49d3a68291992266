"""Make it yours: a ready-made email in somebody's own brand, from the form, as `newsletter pack` makes it."""

from __future__ import annotations

import base64
import io
import re
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from PIL import Image, ImageDraw
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from commands.newsletters.newsletter import newsletter
from daisychain.database import Database
from daisychain.installation import Installation
from lists.tables import MemberOrganisation
from newsletters.documents.document import parse_document
from newsletters.packs.edition import Choices, open_edition
from newsletters.packs.offers import offer
from newsletters.packs.pack_status import withdraw
from newsletters.packs.partner_codes import claim_codes
from newsletters.tables import MadePack, PackPartner, StoredImage
from newsletters.toolkit_store.store import add_toolkit, named_toolkit
from newsletters.toolkits.toolkit import current_day
from partners.contacts import add_contact, contacts_of
from partners.private_links import LinkKey, write_key
from partners.registry import claim, organisation_by_code
from partners.tables import MailedPack, OrganisationProfile, PartnerEvent
from partners.taken_packs import drop_mailed_packs
from sender.system_mail.mail_queue import _cipher
from sender.tables import SystemMail
from tests.newsletters import sample_toolkits
from tests.newsletters.packs.packing import SOCIAL
from tests.partners.hive import add_bees

EVERY_PART = "members may change: intro, button, stories\n"
ENGLISH = """\
---
toolkit: spring-fair
subject: Hello {{ member.first_name | default("friend") }}
preheader: And welcome
title: The fair
---
::: hero "Come to the fair" image=tent
:::

Dear {{ member.first_name | default("friend") }},

::: copy welcome

::: button "Join us" href="{{ toolkit.links.join }}"

::: divider

::: story "The big tent" image=tent
It is striped.
:::

::: divider

::: story "The small tent"
It is not.
:::
"""
WELSH = '---\nsubject: Helo\n---\nDewch i’r ffair.\n\n::: button "Ymuno" href="{{ toolkit.links.join }}"\n'
CONDITION = "\n{% if member.last_name %}\nA family!\n{% else %}\nSomebody.\n{% endif %}\n"
PAGE = "/toolkits/spring-fair/emails/may"
TYPED = {
    "name": "Bees of Bath", "accent": "#ffcc00", "intro": "We look after **bees**.", "address": "2 Hive Lane\r\nBath",
    "charity_number": "1234567", "reply": "hello@bees.example", "website": "https://bees.example/",
}  # fmt: skip


def shelve(database: Database, path: Path, extra: str = EVERY_PART) -> None:
    given = sample_toolkits.files(sample_toolkits.SHEET + extra, welcome=sample_toolkits.BLOCK, post=SOCIAL)
    with database.engine.begin() as connection:
        add_toolkit(connection, sample_toolkits.folder(path / "kit", given))


def put_up(database: Database, path: Path, english: str = ENGLISH, welsh: str = WELSH) -> None:
    """Offer the newsletter and its translation, whose files are in `path`."""
    (path / "may.md").write_text(english, encoding="utf-8")
    (path / "may.cy.md").write_text(welsh, encoding="utf-8")
    choices = Choices(database.settings.pages_url)
    with database.engine.begin() as connection:
        kit = named_toolkit("spring-fair", connection)
        first = parse_document(english, "may.md", None)
        editions = [open_edition(first, kit, choices)]
        editions.append(open_edition(parse_document(welsh, "may.cy.md", None, first, "cy"), kit, choices))
        for each in editions:
            offer(connection, each, editions[0])


@pytest.fixture
def offered(database: Database, tmp_path: Path) -> Path:
    """A toolkit whose email is offered in two languages; their files."""
    shelve(database, tmp_path)
    put_up(database, tmp_path)
    return tmp_path


def logo(ink: Any = "#7a1f5c", ground: Any = "white", size: tuple[int, int] = (600, 240), kind: str = "PNG") -> bytes:
    """A word in the middle of its ground."""
    mode = "CMYK" if kind == "CMYK" else "RGBA"
    picture = Image.new("RGB" if mode == "CMYK" else mode, size, ground)
    width, height = size
    ImageDraw.Draw(picture).ellipse((width // 4, height // 4, width * 3 // 4, height * 3 // 4), fill=ink)
    file = io.BytesIO()
    (picture.convert("CMYK") if mode == "CMYK" else picture).save(file, "JPEG" if mode == "CMYK" else kind)
    return file.getvalue()


SVG = b"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 90 40">
<circle cx="45" cy="20" r="9" fill="#7a1f5c"/></svg>"""


def ask(client: FlaskClient, to: str = "", picked: bytes = b"", page: str = PAGE, **typed: Any) -> TestResponse:
    """Send the form, with a logo just picked if there is one."""
    data = {**TYPED, **typed}
    if picked:
        data["logo_file"] = (io.BytesIO(picked), "logo.file")
    answer = client.post(page + to, data=data, content_type="multipart/form-data")
    answer.request.environ["wsgi.input"].close()  # a file, if it was large
    return answer


def hidden(page: str) -> dict[str, str]:
    """The logo as it comes back with the form."""
    return dict(re.findall(r'<input type="hidden" name="(logo\w*)" value="([^"]+)"', page))


def files_in(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def message(page: str, field: str) -> str:
    """What the page says at a field."""
    found = re.search(rf'id="{field}-live"[^>]*>(.*?)</div>', page, re.DOTALL)
    return re.sub(r"<[^>]+>|\s+", " ", found[1]).strip() if found else ""


def by_command(database: Database, path: Path, tool: str, language: str, sheet: str) -> bytes:
    """The zip that the command makes."""
    (path / "partner.yml").write_text(sheet, encoding="utf-8")
    installation = Installation()
    installation.__dict__["database"] = database
    arguments = [
        "pack", str(path / "may.md"), "--brand", str(path / "partner.yml"), "--for", tool, "--language", language,
        "--out", str(path / "packs"), "--zip", "--no-previews",
    ]  # fmt: skip
    result = CliRunner().invoke(newsletter, arguments, obj=installation, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    [made] = (path / "packs").glob("*.zip")
    return made.read_bytes()


@pytest.mark.parametrize(
    ("tool", "language", "picked"),
    [
        ("mailchimp", "en", logo()), ("brevo", "cy", SVG), ("outlook", "en", logo(kind="CMYK")), ("plain", "cy", b""),
        ("hubspot", "en", logo("white", (0, 0, 0, 0))), ("klaviyo", "en", logo(size=(3000, 1600), kind="WEBP")),
    ],
)  # fmt: skip
def test_a_pack_taken_by_the_form_is_byte_for_byte_what_the_command_makes(
    client: FlaskClient, database: Database, offered: Path, tool: str, language: str, picked: bytes
) -> None:
    page, own = PAGE, {}
    sheet = (
        'name: Bees of Bath\naccent: "#ffcc00"\nintro: We look after **bees**.\naddress: 2 Hive Lane / Bath\n'
        "charity number: '1234567'\nreply: hello@bees.example\nwebsite: https://bees.example/\n"
        "button: https://bees.example/join\n"
    )
    own["button"] = "https://bees.example/join"
    if language == "cy":
        page = PAGE + ".cy"
    else:
        own["leave_out"], sheet = "The big tent", sheet + "leave out: The big tent\n"
    if picked:
        (offered / "logo.file").write_bytes(picked)
        sheet += "logo: logo.file\n"
        own |= hidden(ask(client, picked=picked, page=page, **own).text)  # chosen first, taken later
        assert own["logo"]
    by_form = ask(client, "/take", page=page, take=tool, **own)
    assert by_form.status_code == 200, by_form.text
    by_hand = by_command(database, offered, tool, language, sheet)
    assert {name for name, content in files_in(by_form.data).items() if files_in(by_hand).get(name) != content} == set()
    assert by_form.data == by_hand
    assert f'filename="bees-of-bath-{tool}{"-cy" if language == "cy" else ""}.zip"' in str(by_form.headers)


def test_nothing_is_stored_until_something_is_taken_and_then_nothing_of_who_took_it(
    client: FlaskClient, database: Database, offered: Path
) -> None:
    client.get(PAGE + "/preview")  # the coalition's own pictures have addresses

    def stored() -> list[int]:
        with database.engine.connect() as connection:
            tables = (MadePack.key, PackPartner.code, MemberOrganisation.id, StoredImage.hash, PartnerEvent.id)
            return [len(connection.scalars(select(column)).all()) for column in tables]

    before = stored()
    back = hidden(ask(client, picked=logo()).text)
    assert ask(client, "/preview", **back).status_code == 200
    assert stored() == before
    assert ask(client, "/take", take="mailchimp", **back).status_code == 200
    packs, partners, organisations, images, events = (after - old for after, old in zip(stored(), before, strict=True))
    assert (packs, partners, organisations, images, events) == (1, 0, 0, 0, 1)
    with database.engine.connect() as connection:
        assert "Bees of Bath" not in connection.scalars(select(MadePack.partner)).all()
        event = connection.execute(select(PartnerEvent.__table__).order_by(PartnerEvent.id.desc())).mappings().first()
    assert event
    kept = {
        key: event[key] for key in ("kind", "toolkit", "newsletter", "tool", "language", "organisation_id", "detail")
    }
    assert kept == {
        "kind": "taken", "toolkit": "spring-fair", "newsletter": "may", "tool": "mailchimp", "language": "en",
        "organisation_id": None, "detail": {},
    }  # fmt: skip


def test_the_page_of_a_taken_pack_says_how_it_stands(client: FlaskClient, offered: Path) -> None:
    taken = files_in(ask(client, "/take", take="mailchimp").data)
    [sheet] = [content for name, content in taken.items() if name.endswith("pack.json")]
    key = re.findall(r'"pack": "([^"]+)"', sheet.decode())[0]
    assert "Current" in client.get(f"/packs/{key}").text


def test_somebody_who_types_a_registered_name_changes_nothing_stored_about_it(
    client: FlaskClient, database: Database, offered: Path
) -> None:
    sheet = "name: Bees of Bath\ncode: bees\naddress: 2 Hive Lane / Bath\n"
    by_command(database, offered, "mailchimp", "en", sheet)

    def stored() -> list[Any]:
        with database.engine.connect() as connection:
            tables = (MadePack, PackPartner, MemberOrganisation, OrganisationProfile)
            return [connection.execute(select(table.__table__)).all() for table in tables]

    before = stored()
    taken = ask(client, "/take", take="mailchimp", intro="We are somebody else.")
    assert taken.status_code == 200
    assert stored() == before
    # Its links count for that organisation, as any link with its public code does.
    assert any(b"partner=bees" in content for content in files_in(taken.data).values())
    with database.engine.connect() as connection:
        ids = connection.scalars(select(PartnerEvent.organisation_id).where(PartnerEvent.kind == "taken")).all()
    assert ids == [None]


def test_a_code_that_a_visitor_was_given_is_nobodys_until_the_coalition_gives_it(
    client: FlaskClient, database: Database, offered: Path
) -> None:
    assert ask(client, "/take", take="mailchimp", name="Bees").status_code == 200
    with database.engine.begin() as connection:
        assert claim_codes(connection, [{"name": "The real bees", "code": "bees"}]) == [("bees", "")]


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("name", "*|FNAME|*", "The name holds '*|FNAME|*', a merge tag"),
        ("name", "Bees {{ x }}", "signs of a template"),
        ("name", "%%name%%", "'%%name%%', a merge tag"), ("intro", "Dear %FIRSTNAME%,", "'%FIRSTNAME%', a merge tag"),
        ("name", "", "Type your organisation’s name"), ("name", "x" * 121, "At most 120 characters"),
        ("reply", "hello", "no address to write to"), ("website", "bees", "no web address"),
        ("button", "javascript:alert(1)", "no web address"), ("accent", "mauve-ish", "not a colour"),
        ("leave_out", "The third tent", "no story “The third tent” any more"),
        ("charity_number", "1\n2", "must be one line"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost(
    client: FlaskClient, offered: Path, field: str, value: str, says: str
) -> None:
    back = hidden(ask(client, picked=logo()).text)
    answer = ask(client, "/take", take="mailchimp", **{**back, field: value})
    assert answer.status_code == 422
    page = answer.text.replace("&#39;", "'").replace("&amp;", "&")
    assert says in message(page, field)
    assert hidden(page) == back
    others = {**TYPED, field: value} if field != "leave_out" else TYPED
    assert all(line in page for text in others.values() for line in text.split("\r\n"))
    assert ask(client, "/preview", **{**back, field: value}).status_code == 200  # the preview shows what can be shown


def test_a_parts_that_the_toolkit_keeps_is_not_offered_and_refused_if_it_is_sent_all_the_same(
    client: FlaskClient, database: Database, tmp_path: Path
) -> None:
    every = {"intro": 'name="intro"', "button": 'name="button"', "stories": 'name="leave_out"'}
    sent = {"intro": "Ours", "button": "https://bees.example/", "stories": "The big tent"}
    names = {"intro": "intro", "button": "button", "stories": "leave_out"}
    for extra, allowed in (
        ("", {"intro"}), ("members may change: nothing\n", set()), ("members may change: button\n", {"button"}),
        ("members may change: [stories, intro]\n", {"stories", "intro"}), (EVERY_PART, set(every)),
    ):  # fmt: skip
        shelve(database, tmp_path, extra)
        put_up(database, tmp_path)
        page = client.get(PAGE).text
        assert {part for part, words in every.items() if words in page} == allowed
        for part, value in sent.items():
            only = dict.fromkeys(names.values(), "") | {names[part]: value}
            answer = ask(client, "/take", take="mailchimp", **only)
            assert answer.status_code == (200 if part in allowed else 422), (extra, part)
            assert part in allowed or "stay as they are" in answer.text


def test_the_parts_that_may_change_do_change(client: FlaskClient, offered: Path) -> None:
    def text(**own: str) -> str:
        return files_in(ask(client, "/take", take="plain", **own).data)["bees-of-bath-plain/email.txt"].decode()

    plain = text()
    assert "The big tent" in plain
    assert "https://fairs.org.uk/join" in plain
    changed = text(button="https://bees.example/ours", leave_out="The big tent", intro="Ours **first**.")
    assert "The big tent" not in changed
    assert "The small tent" in changed
    assert "https://fairs.org.uk/join" not in changed
    assert "https://bees.example/ours" in changed
    assert "first" in changed


@pytest.mark.parametrize("picked", [logo(), logo(kind="CMYK"), logo(kind="GIF"), SVG, logo(size=(8000, 4900))])
def test_any_usual_logo_is_cleaned_and_comes_back_small(client: FlaskClient, offered: Path, picked: bytes) -> None:
    answer = ask(client, picked=picked)
    content = base64.b64decode(hidden(answer.text)["logo"])
    assert len(content) <= 200_000
    with Image.open(io.BytesIO(content)) as cleaned:
        assert cleaned.mode != "CMYK"
        assert cleaned.width <= 2 * 230 * 2
    assert ("colours for print" in answer.text) is (b"Adobe" in picked[:400])
    assert hidden(ask(client, **hidden(answer.text)).text) == hidden(answer.text)


def test_a_white_logo_is_shown_on_dark_and_gets_a_dark_plate(client: FlaskClient, offered: Path) -> None:
    answer = ask(client, picked=logo("white", (0, 0, 0, 0)))
    assert "gets a dark plate" in answer.text
    assert answer.text.count("data:image/png;base64,") == 2
    assert "gets a dark plate" not in ask(client, picked=logo()).text


def bomb() -> bytes:
    """A PNG whose header promises 900 megapixels."""
    head = bytearray(logo(size=(64, 64)))
    head[16:24] = (30_000).to_bytes(4, "big") * 2
    head[29:33] = zlib.crc32(head[12:29]).to_bytes(4, "big")
    return bytes(head)


@pytest.mark.parametrize(
    ("picked", "says"),
    [
        (b"not a picture", "not a whole PNG"), (logo()[:300], "not a whole PNG"), (bomb(), "too large"),
        (logo("white"), "Nothing can be seen"), (logo((0, 0, 0, 0), (0, 0, 0, 0)), "Nothing can be seen"),
        (b"\x89PNG" + b"\0" * (16 * 1024**2), "16 MB are allowed"),
        (b"<svg", "broken SVG"),
        (SVG.replace(b"<circle", b"<text y='20'>Bees</text><circle"), "words need a font"),
        (SVG.replace(b"<circle", b'<image href="https://spy.example/x.png"/><circle'), "elsewhere"),
        (SVG.replace(b"<circle", b'<image href="file:///etc/passwd"/><circle'), "elsewhere"),
        (SVG.replace(b"<circle", b'<rect style="fill:url(https://spy.example/)"/><circle'), "elsewhere"),
        (b'<!DOCTYPE svg [<!ENTITY a "b">]>' + SVG, "entities"),
    ],
    ids=[
        "none", "cut", "bomb", "white", "clear", "large", "svg cut", "svg text", "svg http", "svg file", "svg css",
        "svg entity",
    ],
)  # fmt: skip
def test_a_logo_that_can_not_be_used_is_refused_at_its_field(
    client: FlaskClient, offered: Path, picked: bytes, says: str
) -> None:
    answer = ask(client, picked=picked)
    assert answer.status_code == 200
    assert says in re.sub(r"\s+", " ", answer.text)
    assert TYPED["reply"] in answer.text
    assert ask(client, "/take", picked=picked, take="mailchimp").status_code == 422


def test_the_nearest_readable_colour_is_said_and_taken(client: FlaskClient, offered: Path) -> None:
    said = message(ask(client, accent="#ffcc00").text, "accent")
    taken = re.findall(r"#[0-9a-f]{6}", said)[-1]
    assert "#ffcc00 can’t be read on white" in said
    assert taken in ask(client, "/preview", accent="#ffcc00").text
    assert taken in files_in(ask(client, "/take", take="mailchimp").data)["bees-of-bath-mailchimp/email.html"].decode()
    assert message(ask(client, accent="#7a1f5c").text, "accent") == ""


def test_a_tool_that_lacks_the_address_says_so_at_the_address(client: FlaskClient, offered: Path) -> None:
    lacks = ask(client, "/take", take="brevo", address="")
    assert lacks.status_code == 422
    assert "Brevo adds no address by itself" in message(lacks.text, "address")
    assert ask(client, "/take", take="mailchimp", address="").status_code == 200


def test_a_tool_that_can_not_express_a_condition_offers_the_text_for_everybody_else(
    client: FlaskClient, database: Database, offered: Path
) -> None:
    put_up(database, offered, ENGLISH + CONDITION)
    page = client.get(PAGE).text
    assert 'name="otherwise" value="hubspot"' in page
    assert 'name="otherwise" value="mailchimp"' not in page
    refused = ask(client, "/take", take="hubspot")
    assert refused.status_code == 422
    assert TYPED["reply"] in refused.text
    taken = files_in(ask(client, "/take", take="hubspot", otherwise="hubspot").data)
    text = taken["bees-of-bath-hubspot/email.txt"].decode()
    assert "Somebody." in text
    assert "A family!" not in text
    assert ask(client, "/take", take="hubspot", otherwise="brevo").status_code == 422


def test_the_code_and_the_mailbox_s_page_can_be_copied_with_and_without_script(
    client: FlaskClient, offered: Path
) -> None:
    code = ask(client, "/copy", copy="brevo")
    assert "{{ contact.FIRSTNAME" in code.text.replace("&#39;", "'")
    assert "<textarea" in code.text
    back = hidden(ask(client, picked=logo()).text)
    data = {**TYPED, **back, "copy": "outlook"}
    rich = client.post(PAGE + "/copy", data=data, headers={"Accept": "application/json"})
    assert set(rich.json) == {"html", "text"}
    assert rich.json["html"].count("data:image/") >= 2
    assert "images/" not in rich.json["html"].replace("data:image/", "")
    alone = client.post(PAGE + "/copy", data=data)
    assert alone.text == rich.json["html"]
    assert "default-src 'none'" in alone.headers["Content-Security-Policy"]


def test_the_preview_has_a_policy_of_its_own_and_no_script_of_anybody_runs(client: FlaskClient, offered: Path) -> None:
    answer = ask(client, "/preview", intro="<script>alert(1)</script> [x](javascript:alert(1))", name="<b>Bees</b>")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "script-src" not in policy
    assert "<script" not in answer.text
    assert 'href="javascript' not in answer.text
    assert "&lt;b&gt;Bees" in answer.text
    assert not re.findall(r'src="(?!/i/|data:)', answer.text)
    for path in set(re.findall(r'src="(/i/[^"]+)"', answer.text)):
        assert client.get(path).status_code == 200


def test_public_pages_set_no_cookie_and_posts_are_not_kept_by_caches(client: FlaskClient, offered: Path) -> None:
    for answer in (client.get(PAGE), ask(client), ask(client, "/preview"), ask(client, "/take", take="mailchimp")):
        assert "Set-Cookie" not in answer.headers
    assert ask(client).headers["Cache-Control"] == "no-store"


def test_an_email_that_was_withdrawn_says_what_there_is_instead(
    client: FlaskClient, database: Database, offered: Path
) -> None:
    assert client.get("/toolkits/spring-fair/emails/never").status_code == 404
    assert client.get("/toolkits/nobody/emails/may").status_code == 404
    ask(client, "/take", take="mailchimp")
    with database.engine.begin() as connection:
        kit = named_toolkit("spring-fair", connection)
        june = parse_document(ENGLISH.replace("The fair", "The June fair"), "june.md", None)
        edition = open_edition(june, kit, Choices(database.settings.pages_url), current_day())
        offer(connection, edition, edition)
        withdraw(connection, "may", "The date is wrong")
    for answer in (client.get(PAGE), ask(client, "/take", take="mailchimp"), ask(client)):
        assert answer.status_code == 410
        assert "not offered any more" in answer.text
        assert "/toolkits/spring-fair/emails/june" in answer.text


def test_an_email_whose_copy_expired_says_so(client: FlaskClient, database: Database, offered: Path) -> None:
    over = sample_toolkits.BLOCK.replace("length:", "expires: 2020-01-01\nlength:")
    given = sample_toolkits.files(sample_toolkits.SHEET, welcome=over, post=SOCIAL)
    with database.engine.begin() as connection:
        add_toolkit(connection, sample_toolkits.folder(offered / "kit", given))
    assert client.get(PAGE).status_code == 410


# --- an organisation's private link


def private(database: Database, **profile: str) -> tuple[str, int]:
    """The page for an organisation that is registered, with some of its details, and its id."""
    with database.engine.begin() as connection:
        claim(connection, [{"name": "Owls of Otley", "code": "owls", "reply": "hoot@owls.example"}])
        organisation = organisation_by_code(connection, "owls")
        assert organisation
        if profile:
            connection.execute(update(OrganisationProfile).values(**profile))
        number = connection.scalar(select(OrganisationProfile.link_number)) or 0
    key = write_key(database.settings, LinkKey(number, organisation.id))
    return f"/p/{key}/emails/spring-fair/may", organisation.id


def test_a_private_link_fills_in_the_organisation_s_brand_and_its_pack_is_its_own(
    client: FlaskClient, database: Database, offered: Path
) -> None:
    page, id_ = private(database, address="1 Barn\nOtley", colour="#7a1f5c")
    shown = client.get(page)
    assert shown.headers["Referrer-Policy"] == "no-referrer"
    for value in ("Owls of Otley", "1 Barn", "#7a1f5c", "hoot@owls.example"):
        assert value in shown.text
    taken = client.post(page + "/take", data={"name": "Somebody else", "address": "1 Barn\nOtley", "take": "brevo"})
    assert taken.status_code == 200
    assert "owls-brevo.zip" in taken.headers["Content-Disposition"]
    with database.engine.connect() as connection:
        assert "Owls of Otley" in connection.scalars(select(MadePack.partner)).all()
        events = connection.execute(select(PartnerEvent.kind, PartnerEvent.organisation_id)).all()
    assert [tuple(each) for each in events] == [("looked", id_), ("taken", id_)]


def test_a_pack_of_a_private_link_is_its_organisation_s_even_if_somebody_took_the_same_before(
    client: FlaskClient, database: Database, offered: Path
) -> None:
    page, _ = private(database, address="1 Barn\nOtley")
    ask(client, "/take", take="brevo", name="Owls of Otley")
    client.post(page + "/take", data={"address": "1 Barn\nOtley", "take": "brevo"})
    with database.engine.connect() as connection:
        assert connection.scalars(select(MadePack.partner).where(MadePack.sheets != [])).all() == ["Owls of Otley"]


def test_a_link_that_was_replaced_while_the_form_is_open_loses_nothing(
    client: FlaskClient, database: Database, offered: Path
) -> None:
    page, _ = private(database)
    with database.engine.begin() as connection:
        connection.execute(
            OrganisationProfile.__table__.update().values(link_number=OrganisationProfile.link_number + 1)
        )
    for to, button in (("", {}), ("/take", {"take": "mailchimp"}), ("/copy", {"copy": "brevo"})):
        answer = ask(client, to, page=page, **button)
        assert answer.status_code == 410
        assert "private link has been replaced" in answer.text
        assert all(line in answer.text for text in TYPED.values() for line in text.split("\r\n"))
        assert f'action="{PAGE}"' in answer.text
        assert "/p/" not in answer.text
    assert client.get("/p/" + "A" * 22 + "/emails/spring-fair/may").status_code == 404


def test_a_code_in_the_address_counts_for_its_organisation_and_opens_nothing(
    client: FlaskClient, database: Database, offered: Path
) -> None:
    _, id_ = private(database, address="1 Barn\nOtley")
    page = client.get(PAGE + "?partner=owls").text
    assert "1 Barn" not in page
    assert "hoot@owls.example" not in page
    assert f"{PAGE}/take?partner=owls" in page
    client.get(PAGE + "?partner=nobody")
    with database.engine.connect() as connection:
        found = connection.execute(select(PartnerEvent.organisation_id).order_by(PartnerEvent.id)).scalars().all()
    assert found == [id_, None]


def mailed(database: Database) -> list[tuple[str, str]]:
    """Who was mailed a pack, and the link in it."""
    with database.engine.connect() as connection:
        rows = connection.execute(select(SystemMail).where(SystemMail.kind == "pack").order_by(SystemMail.id)).all()
    cipher = _cipher(database.settings)
    return [(row.address, orjson.loads(cipher.decrypt(row.content))[-1]) for row in rows]


def test_a_pack_is_mailed_to_registered_contacts_only_and_its_link_works_once(
    client: FlaskClient, database: Database, offered: Path
) -> None:
    page, id_ = private(database, address="1 Barn\nOtley")
    with database.engine.begin() as connection:
        add_contact(connection, id_, "ann@owls.example", "Ann")
        add_contact(connection, id_, "new@owls.example", "New", suggested=True)
        claim(connection, [{"name": "Foxes", "code": "foxes"}])
        foxes = organisation_by_code(connection, "foxes")
        assert foxes
        add_contact(connection, foxes.id, "bo@foxes.example", "Bo")
        ids = {each.name: each.id for found in contacts_of(connection, [id_, foxes.id]).values() for each in found}
    shown = client.get(page).text
    assert "Ann" in shown
    assert "ann@owls" not in shown
    assert "Bo" not in re.findall(r'name="contact"[^>]*> (\w+)', shown)
    data = {"mail": "mailchimp", "address": "1 Barn\nOtley"}
    for wrong in (ids["Bo"], ids["New"], "ann@owls.example", "0", ""):
        assert client.post(page + "/mail", data={**data, "contact": wrong}).status_code == 422
    assert mailed(database) == []
    sent = client.post(page + "/mail", data={**data, "contact": ids["Ann"]})
    assert (sent.status_code, "on its way to Ann" in sent.text) == (200, True)
    [(address, link)] = mailed(database)
    assert address == "ann@owls.example"
    path = link.removeprefix(database.settings.pages_url)
    assert "Download owls-mailchimp.zip" in client.get(path).text  # a scanner that follows links takes nothing
    taken = client.post(path)
    assert taken.data == client.post(page + "/take", data={"take": "mailchimp", "address": "1 Barn\nOtley"}).data
    assert (client.post(path).status_code, client.get(path).status_code) == (410, 410)
    for _ in range(4):
        assert client.post(page + "/mail", data={**data, "contact": ids["Ann"]}).status_code == 200
    assert "had 5 of these emails today" in client.post(page + "/mail", data={**data, "contact": ids["Ann"]}).text
    assert len(mailed(database)) == 5
    assert client.post(PAGE + "/mail", data={**data, "contact": ids["Ann"]}).status_code in (404, 405)
    assert drop_mailed_packs(database) == ""
    with database.engine.begin() as connection:
        connection.execute(update(MailedPack).values(made_at=func.now() - timedelta(days=8)))
    assert drop_mailed_packs(database) == "5 mailed packs deleted"


def test_only_a_private_link_has_its_pictures_hosted(client: FlaskClient, database: Database, offered: Path) -> None:
    page, _ = private(database, address="1 Barn\nOtley")
    assert 'name="hosted"' not in client.get(PAGE).text
    assert 'name="hosted"' in client.get(page).text
    back = hidden(client.post(page, data={"logo_file": (io.BytesIO(logo()), "logo.png")}).text)
    data = {**back, "address": "1 Barn\nOtley", "take": "brevo", "hosted": "brevo"}
    html = files_in(client.post(page + "/take", data=data).data)["owls-brevo/email.html"].decode()
    pictures = re.findall(r'src="([^"]+)"', html)
    assert len(pictures) == 3
    for each in pictures:
        assert client.get(each.removeprefix(database.settings.pages_url)).status_code == 200
    public = files_in(ask(client, "/take", take="brevo", hosted="brevo").data)["bees-of-bath-brevo/email.html"].decode()
    assert all(each.startswith("images/") for each in re.findall(r'src="([^"]+)"', public))


@pytest.mark.parametrize("query", ["partner=%00", "partner=a%00b", "language=%00", "a%00=b", "partner=' OR 1=1 --"])
def test_an_address_with_signs_that_no_text_can_have_gets_an_answer(
    client: FlaskClient, offered: Path, query: str
) -> None:
    assert offered
    assert client.get(f"{PAGE}?{query}").status_code == 200
    assert ask(client, f"?{query}").status_code == 200


def test_twenty_who_ask_at_once_get_five_mails_and_twenty_who_download_at_once_get_one_pack(
    client: FlaskClient, database: Database, offered: Path
) -> None:
    assert offered
    with database.engine.begin() as connection:
        bees = add_bees(connection)
        [contact, *_] = contacts_of(connection, [bees.organisation.id])[bees.organisation.id]
    page, app = f"/p/{write_key(database.settings, bees.link)}/emails/spring-fair/may", client.application

    def post(path: str, **data: Any) -> int:
        return app.test_client().post(path, data=data).status_code

    with ThreadPoolExecutor(20) as pool:
        answers = list(
            pool.map(lambda _: post(f"{page}/mail", mail="mailchimp", address="1 Barn", contact=contact.id), range(20))
        )
        assert sorted(answers) == [200] * 5 + [422] * 15
        links = mailed(database)
        assert [address for address, _ in links] == ["maya@bees.example"] * 5
        path = links[0][1].removeprefix(database.settings.pages_url)
        assert sorted(pool.map(lambda _: post(path), range(20))) == [200] + [410] * 19
