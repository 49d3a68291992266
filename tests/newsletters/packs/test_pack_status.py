"""Standing: what verify, the list and the public page say when copy changes, is withdrawn, or files are altered."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from daisychain.database import Database
from daisychain.errors import InputError
from newsletters.documents.document import Document, parse_document
from newsletters.packs.dialects.dialect import dialects
from newsletters.packs.edition import open_edition
from newsletters.packs.material import gather
from newsletters.packs.offers import offer, offers
from newsletters.packs.pack import Pack, make_pack, save
from newsletters.packs.pack_status import (
    all_standings,
    keep_packs,
    kept_sheets,
    pack_standing,
    restore,
    stale_partners,
    to_tell,
    withdraw,
)
from newsletters.packs.partner_codes import claim_codes
from newsletters.packs.provenance import whole_hash
from newsletters.packs.verify import verify
from newsletters.toolkit_store.store import add_toolkit
from tests.command import Daisychain
from tests.newsletters import sample_toolkits
from tests.newsletters.packs.packing import PARTNER, SOCIAL, TODAY, edition, kit, packed, text
from tests.public_pages import public_app


def shelved(database: Database, tmp_path: Path, **copy: str) -> None:
    """The toolkit of the tests, added, with this copy."""
    files = sample_toolkits.files(**{"welcome": sample_toolkits.BLOCK, "post": SOCIAL, **copy})
    with database.engine.begin() as connection:
        add_toolkit(connection, sample_toolkits.folder(tmp_path / "kit", files))


def kept(database: Database, *packs: Pack) -> None:
    """These packs, kept as made."""
    with database.engine.begin() as connection:
        keep_packs(connection, [pack.row for pack in packs])


def standing_of(database: Database, pack: Pack, today: date = TODAY) -> tuple[str, tuple[str, ...]]:
    """State and reasons of a pack."""
    with database.engine.connect() as connection:
        found = pack_standing(connection, pack.key, today)
    assert found
    return found.state, found.why


def test_a_new_pack_is_current(database: Database, tmp_path: Path) -> None:
    shelved(database, tmp_path)
    pack = packed("brevo")
    kept(database, pack)
    assert standing_of(database, pack) == ("current", ())
    with database.engine.connect() as connection:
        verdict = verify(connection, save(pack, tmp_path, as_zip=False), TODAY)
        zipped = verify(connection, save(pack, tmp_path, as_zip=True), TODAY)
    assert (verdict.state, verdict.altered, verdict.changes) == ("current", (), ())
    assert zipped.state == "current"


def test_pack_json_names_toolkit_copy_approvals_newsletter_hash_and_expiry() -> None:
    expiring = sample_toolkits.BLOCK.replace("version: 2", "version: 2\nexpires: 2026-05-31")
    sheet = json.loads(text(packed("brevo", toolkit=kit(welcome=expiring)), "pack.json"))
    assert sheet["toolkit"]["name"] == "spring-fair"
    assert [(block["id"], block["version"], block["approved by"]) for block in sheet["copy blocks"]] == [
        ("welcome", "2", "A. Trustee"), ("post", "1", "A. Trustee"),
    ]  # fmt: skip
    assert sheet["newsletter"]["name"] == "may"
    assert len(sheet["newsletter"]["hash"]) == len(sheet["hash"]) == 64
    assert sheet["expires"] == "2026-05-31"
    assert sheet["partner"] == {"name": "Bees of Bath", "code": "bees"}
    assert sheet["standing"].endswith(f"/packs/{sheet['pack']}")


def test_the_public_page_is_linked_from_pack_and_readme() -> None:
    pack = packed("brevo")
    address = json.loads(text(pack, "pack.json"))["standing"]
    assert address in text(pack, "README.txt")
    assert f'href="{address}"' in text(pack, "README.html")


def test_an_altered_file_is_named(database: Database, tmp_path: Path) -> None:
    shelved(database, tmp_path)
    pack = packed("brevo")
    kept(database, pack)
    place = save(pack, tmp_path, as_zip=False)
    (place / "email.html").write_text("other")
    (place / "email.txt").unlink()
    (place / "notes.txt").write_text("mine")
    with database.engine.connect() as connection:
        verdict = verify(connection, place, TODAY)
    assert verdict.state == "altered"
    assert verdict.altered == ("email.html was changed.", "email.txt is missing.", "notes.txt was added.")


def test_a_pack_of_a_toolkit_that_is_only_a_folder_is_not_said_to_be_current(
    database: Database, tmp_path: Path
) -> None:
    pack = packed("brevo")
    kept(database, pack)
    with database.engine.connect() as connection:
        verdict = verify(connection, save(pack, tmp_path, as_zip=False), TODAY)
    assert (verdict.state, verdict.compared) == ("not compared", False)


def test_a_changed_sheet_is_found_out(database: Database, tmp_path: Path) -> None:
    shelved(database, tmp_path)
    pack = packed("brevo")
    kept(database, pack)
    place = save(pack, tmp_path, as_zip=False)
    # Somebody who knows how the sums are made makes them anew.
    (place / "email.html").write_text("Give to us instead.")
    sheet = json.loads((place / "pack.json").read_text())
    sheet["files"]["email.html"] = hashlib.sha256(b"Give to us instead.").hexdigest()
    sheet["hash"] = whole_hash(sheet["files"])
    (place / "pack.json").write_text(json.dumps(sheet))
    with database.engine.connect() as connection:
        verdict = verify(connection, place, TODAY)
    assert (verdict.state, verdict.altered) == ("altered", ("pack.json was changed.",))


def test_a_pack_that_nobody_made_here_is_never_current(database: Database, tmp_path: Path) -> None:
    shelved(database, tmp_path)
    place = save(packed("brevo"), tmp_path, as_zip=False)
    with database.engine.connect() as connection:
        verdict = verify(connection, place, TODAY)
    assert (verdict.state, verdict.altered, verdict.changes) == ("not made here", (), ())


def test_a_pack_made_again_on_another_day_leaves_the_first_as_it_was_made(database: Database, tmp_path: Path) -> None:
    shelved(database, tmp_path)
    first = packed("brevo")
    later = make_pack(gather(replace(edition(), today=date(2026, 5, 13)), PARTNER), dialects()["brevo"])
    assert first.key == later.key
    kept(database, first)
    kept(database, later)
    kept(database, later)
    with database.engine.connect() as connection:
        assert len(kept_sheets(connection, first.key) or ()) == 2
        for pack in (first, later):
            assert verify(connection, save(pack, tmp_path, as_zip=True), TODAY).state == "current"


@pytest.mark.parametrize(
    ("copy", "says"),
    [
        (sample_toolkits.BLOCK.replace("version: 2", "version: 3"), "now version 3, and this email has version 2"),
        (sample_toolkits.BLOCK.replace("*fair*", "*fete*"), "has new words"),
        (sample_toolkits.BLOCK.replace("version: 2", "version: 2\nexpires: 2026-05-01"), "expired on 01 May 2026"),
        (sample_toolkits.BLOCK.replace("id: welcome", "id: other"), "taken out of the toolkit"),
    ],
)
def test_a_pack_whose_copy_changed_is_out_of_date_and_says_what_changed(
    database: Database, tmp_path: Path, copy: str, says: str
) -> None:
    pack = packed("brevo")
    kept(database, pack)
    shelved(database, tmp_path, welcome=copy)
    with database.engine.connect() as connection:
        verdict = verify(connection, save(pack, tmp_path, as_zip=False), TODAY)
    assert verdict.state == "out of date"
    assert says in verdict.changes[0]
    assert standing_of(database, pack) == ("superseded", verdict.changes)


def test_a_newer_edition_supersedes_the_packs_of_the_older(database: Database, tmp_path: Path) -> None:
    shelved(database, tmp_path)
    old, new = packed("brevo"), packed("brevo", "Other words.")
    kept(database, old)
    kept(database, new)
    assert standing_of(database, old) == ("superseded", ("There is a newer version of this email.",))
    assert standing_of(database, new) == ("current", ())


def test_a_withdrawn_pack_says_why_until_that_is_undone(database: Database, tmp_path: Path) -> None:
    shelved(database, tmp_path)
    pack = packed("brevo")
    kept(database, pack)
    with database.engine.begin() as connection:
        assert withdraw(connection, "may", "The fair is off.") == 1
        with pytest.raises(InputError, match="No packs were made of a newsletter 'june'"):
            withdraw(connection, "june", "")
    assert standing_of(database, pack) == ("withdrawn", ("The fair is off.",))
    other = packed("brevo", partner=replace(PARTNER, name="Ants"))
    with database.engine.begin() as connection:
        assert keep_packs(connection, [pack.row, other.row]) == {"The fair is off."}
        assert keep_packs(connection, [packed("ghost", "Other words.").row]) == set()
    for each in (pack, other):
        assert standing_of(database, each) == ("withdrawn", ("The fair is off.",))
    with database.engine.begin() as connection:
        assert restore(connection, "may") == 2
    assert standing_of(database, pack)[0] == "superseded"


def test_withdrawing_ends_the_public_offer_and_says_so_on_the_pages_of_old_downloads(
    database: Database, tmp_path: Path
) -> None:
    shelved(database, tmp_path)
    spring = edition()
    client = public_app(database).test_client()
    with database.engine.begin() as connection:
        offer(connection, spring, spring)
    address = "/toolkits/spring-fair/packs/may/brevo.zip"
    archive = zipfile.ZipFile(io.BytesIO(client.get(address).data))
    key = json.loads(archive.read("may-brevo/pack.json"))["pack"]
    with database.engine.begin() as connection:
        withdraw(connection, "may", "The fair is off.")
        with pytest.raises(InputError, match=r"withdrawn: The fair is off\."):
            offer(connection, spring, spring)
    assert client.get(address).status_code == 404
    assert "Ready-made emails" not in client.get("/toolkits/spring-fair").text
    assert "The fair is off." in client.get(f"/packs/{key}").text


def test_a_post_that_expires_ends_its_own_use_and_not_that_of_the_email(database: Database, tmp_path: Path) -> None:
    post = SOCIAL.replace("version: 1", "version: 1\nexpires: 2026-05-20")
    shelved(database, tmp_path, post=post)
    pack = packed("brevo", toolkit=kit(post=post))
    kept(database, pack)
    sheet = json.loads(text(pack, "pack.json"))
    assert sheet["expires"] is None
    assert [(row["id"], row["beside"]) for row in sheet["copy blocks"]] == [("welcome", False), ("post", True)]
    readme = " ".join(text(pack, "README.txt").split())
    assert "To be sent by" not in readme
    assert "“A post”, in the posts or texts beside the email, is for use until 20 May 2026." in readme
    assert "until 20 May 2026)" in text(pack, "social/x.txt")
    assert standing_of(database, pack, date(2026, 5, 20)) == ("current", ())
    after = date(2026, 5, 21)
    note = "Leave out “A post”, in the posts or texts beside the email: it was for use until 20 May 2026."
    assert standing_of(database, pack, after) == ("current", (note,))
    with database.engine.connect() as connection:
        assert to_tell(all_standings(connection, after)) == []
        verdict = verify(connection, save(pack, tmp_path, as_zip=True), after)
    assert (verdict.state, verdict.changes, verdict.notes) == ("current", (), (note,))
    # Made again without it, the pack has the same page, which people with the first one read.
    for _ in range(2):
        kept(
            database,
            make_pack(gather(replace(edition(toolkit=kit(post=post)), beside=()), PARTNER), dialects()["brevo"]),
        )
        assert standing_of(database, pack, after) == ("current", (note,))


def test_posts_and_website_copy_change_with_the_pack(database: Database, tmp_path: Path) -> None:
    post = SOCIAL
    pack = packed("brevo", toolkit=kit(post=post))
    kept(database, pack)
    shelved(database, tmp_path / "2", post=post.replace("version: 1", "version: 2"))
    assert "“A post” was corrected: it is now version 2" in standing_of(database, pack)[1][0]


def test_expired_offers_and_tools_that_can_not_be_written_for_have_no_pack(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = sample_toolkits.BLOCK.replace("version: 2", "version: 2\nexpires: 2026-05-31")
    shelved(database, tmp_path, welcome=copy)
    spring = edition("{% if member.first_name %}Hi.{% endif %}\n\n::: copy welcome\n", toolkit=kit(welcome=copy))
    with database.engine.begin() as connection:
        offer(connection, spring, spring)
    client = public_app(database).test_client()
    for day, there in ((date(2026, 5, 31), True), (date(2026, 6, 1), False)):
        for module in ("visit", "packs"):
            monkeypatch.setattr(f"pages.toolkits.{module}.current_day", lambda day=day: day)
        assert ("Make it yours" in client.get("/toolkits/spring-fair/emails").text) is there
        found = client.get("/toolkits/spring-fair/packs/may/mailchimp.zip")
        assert found.status_code == (200 if there else 404)
        assert client.get("/toolkits/spring-fair/packs/may/outlook.zip").status_code == 404


def test_a_pack_expires_with_its_copy(database: Database, tmp_path: Path) -> None:
    copy = sample_toolkits.BLOCK.replace("version: 2", "version: 2\nexpires: 2026-05-31")
    shelved(database, tmp_path, welcome=copy)
    pack = packed("brevo", toolkit=kit(welcome=copy))
    kept(database, pack)
    assert standing_of(database, pack, date(2026, 5, 31))[0] == "current"
    assert standing_of(database, pack, date(2026, 6, 1)) == ("expired", ("It was to be sent by 31 May 2026.",))
    assert "To be sent by 31 May 2026" in text(pack, "README.txt")


@pytest.mark.parametrize(("line", "says"), [("expires: 2026-05-01", "expired on"), ("embargo: 2026-06-01", "embargo")])
def test_copy_that_may_not_be_used_makes_no_pack(line: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        packed("brevo", toolkit=kit(welcome=sample_toolkits.BLOCK.replace("version: 2", f"version: 2\n{line}")))


def test_all_standings_name_partners_to_tell(database: Database, tmp_path: Path) -> None:
    shelved(database, tmp_path)
    kept(database, packed("brevo"), packed("ghost", "Other words."), packed("plain", "Other words.", partner=None))
    with database.engine.connect() as connection:
        found = all_standings(connection, TODAY)
    assert len(found) == 3
    assert {each.partner for each in found} == {"Bees of Bath", ""}


def test_a_partner_who_has_a_newer_pack_need_not_be_told(database: Database, tmp_path: Path) -> None:
    shelved(database, tmp_path)
    kept(database, packed("brevo"), packed("ghost"))
    kept(database, packed("brevo", "Other words."))
    with database.engine.connect() as connection:
        found = to_tell(all_standings(connection, TODAY))
    assert [(each.dialect, each.state) for each in found] == [("ghost", "superseded")]


def test_withdrawing_a_newsletter_withdraws_its_translations(database: Database) -> None:
    first = packed("brevo")
    for name, number in (("may.cy", 2), ("may.cy-GB", 3), ("may.old", 3), ("mayor", 3)):
        other = replace(first, key=name, edition=replace(first.edition, document=named(first, f"{name}.md")))
        kept(database, first, other)
        with database.engine.begin() as connection:
            assert withdraw(connection, "may", "") == number, name
            assert restore(connection, "may") == number, name


def named(pack: Pack, file: str) -> Document:
    """The pack's document under another name."""
    return replace(pack.edition.document, file=file)


def test_a_translation_is_offered_with_what_it_takes_from_the_first(database: Database, tmp_path: Path) -> None:
    shelved(database, tmp_path)
    first = edition()
    welsh = parse_document("---\nsubject: Helo\n---\nDewch.\n", "may.cy.md", Path(), first.document, "cy")
    translated = open_edition(welsh, kit(), first.choices, TODAY)
    with database.engine.begin() as connection:
        for each in (first, translated):
            offer(connection, each, first)
    client = public_app(database).test_client()
    archive = zipfile.ZipFile(io.BytesIO(client.get("/toolkits/spring-fair/packs/may.cy/plain.zip").data))
    assert b"Dewch." in archive.read("may.cy-plain/email.txt")
    assert 'lang="cy"' in archive.read("may.cy-plain/email.html").decode()


@pytest.mark.parametrize("state", ["current", "superseded", "withdrawn"])
def test_the_public_page_says_how_a_pack_stands(database: Database, tmp_path: Path, state: str) -> None:
    shelved(database, tmp_path)
    pack = packed("brevo")
    kept(database, pack)
    if state == "superseded":
        kept(database, packed("brevo", "Other words."))
    elif state == "withdrawn":
        with database.engine.begin() as connection:
            withdraw(connection, "may", "The fair <b>is off</b>.")
    client = public_app(database).test_client()
    page = client.get(f"/packs/{pack.key}")
    assert page.status_code == 200
    assert state.capitalize() in page.text
    assert "Bees of Bath" not in page.text  # whoever has the address need not learn who the partner is
    assert "<b>is off" not in page.text
    assert client.get("/packs/nobody-made-this").status_code == 404


def test_packs_without_branding_of_an_offered_email_can_be_downloaded(database: Database, tmp_path: Path) -> None:
    shelved(database, tmp_path)
    spring = edition()
    client = public_app(database).test_client()
    assert client.get("/toolkits/spring-fair/packs/may/mailchimp.zip").status_code == 404
    with database.engine.begin() as connection:
        offer(connection, spring, spring)
    download = client.get("/toolkits/spring-fair/packs/may/brevo.zip")
    again = client.get("/toolkits/spring-fair/packs/may/brevo.zip")
    assert again.data == download.data
    assert download.mimetype == "application/zip"
    target = tmp_path / "may.zip"
    target.write_bytes(download.data)
    with database.engine.connect() as connection:
        verdict = verify(connection, target, TODAY)
    assert verdict.state == "current"
    assert client.get(f"/packs/{verdict.sheet['pack']}").status_code == 200
    for wrong in ("may/nothing.zip", "june/brevo.zip"):
        assert client.get(f"/toolkits/spring-fair/packs/{wrong}").status_code == 404
    with database.engine.begin() as connection:
        offer(connection, spring, spring, stop=True)
        assert list(offers(connection, kit())) == []


def test_a_newsletter_with_pictures_of_its_own_can_not_be_offered(database: Database, tmp_path: Path) -> None:
    (tmp_path / "own.png").write_bytes(sample_toolkits.picture())
    own = edition("::: image own.png alt=x\n", folder=tmp_path)
    with database.engine.begin() as connection, pytest.raises(InputError, match="no image 'own"):
        offer(connection, own, own)


def test_stale_packs_are_one_row_for_each_partner_with_its_contact(daisychain: Daisychain, tmp_path: Path) -> None:
    daisychain("newsletter", "new", "may", "--toolkit", "community-makes-us")
    rows = 'Bees,brevo,bees@example.org,1 Road,Jo Bee\nAnts,"brevo,plain",ants@example.org,1 Road,\n'
    sheet = tmp_path / "partners.csv"
    make = ("newsletter", "pack", "may.md", "--brands", "partners.csv", "--out", "packs", "--no-previews")
    sheet.write_text(f"name,for,reply,address,contact person\n{rows}", encoding="utf-8")
    daisychain(*make)
    daisychain("newsletter", "pack", "may.md", "--for", "ghost", "--out", "packs", "--no-previews")
    # A partner's own file has no notes, which are not forgotten for that.
    (tmp_path / "bees.yml").write_text("name: Bees\naddress: 1 Road\n", encoding="utf-8")
    daisychain(
        "newsletter", "pack", "may.md", "--brand", "bees.yml", "--for", "ghost", "--out", "packs", "--no-previews"
    )
    daisychain("pack", "withdraw", "may", "--why", "It was wrong.")
    stale = daisychain.json("pack", "list", "--stale", "--format", "json")
    assert [(row["partner"], row["contact"], len(row["packs"]), row["state"]) for row in stale] == [
        ("Ants", "ants@example.org", 2, "withdrawn"),
        ("Bees", "bees@example.org, contact person: Jo Bee", 2, "withdrawn"),
        ("", "", 1, "withdrawn"),
    ]
    assert stale[1]["notes"] == {"contact person": "Jo Bee"}
    told = daisychain("pack", "list", "--stale").stdout
    assert told.count("It was wrong.") == 3
    assert "Jo Bee" in told
    assert "may (brevo, plain)" in told
    sheet.write_text(f"name,for,reply,address,contact person\n{rows.replace('Jo Bee', '')}", encoding="utf-8")
    daisychain(*make)
    assert daisychain.json("pack", "list", "--stale", "--format", "json")[1]["contact"] == "bees@example.org"


def test_packs_of_an_organisation_with_a_new_name_go_on_as_its_own(database: Database, tmp_path: Path) -> None:
    shelved(database, tmp_path)
    old = packed("brevo")
    kept(database, old)
    with database.engine.begin() as connection:
        claim_codes(connection, [{"name": "Bees of Bath", "reply": "hello@bees.example"}])
        claim_codes(connection, [{"name": "Bath Bees", "formerly": "Bees of Bath"}])
    renamed = replace(PARTNER, name="Bath Bees")
    kept(database, packed("brevo", "Other words.", renamed))
    kept(database, packed("ghost", "More.", renamed))
    with database.engine.connect() as connection:
        [row] = stale_partners(connection, all_standings(connection, TODAY))
    assert (row.partner, row.contact, [pack.dialect for pack in row.packs]) == (
        "Bath Bees",
        "hello@bees.example",
        ["brevo"],
    )
