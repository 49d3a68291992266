"""The commands of `daisychain newsletter`, run as people run them."""

from __future__ import annotations

import json
from collections.abc import Callable
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from commands.newsletters.newsletter import newsletter
from daisychain.errors import InputError
from daisychain.installation import Installation
from daisychain.settings import Settings
from tests.newsletters.crowd import Crowd

PEOPLE = Crowd({"email": "ann@a.example", "first_name": "Ann"}, {"email": "bo@a.example", "first_name": "Bo & Co"})

Run = Callable[..., Result]


@pytest.fixture
def run(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in a folder of the test's own, with a list of two people."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DAISYCHAIN_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("DAISYCHAIN_HOME", str(settings.home))
    monkeypatch.setenv("DAISYCHAIN_PUBLIC_URL", "https://news.a.example")
    monkeypatch.setattr("lists.list_people.open_people", lambda connection, name: PEOPLE)

    def run(*arguments: str, code: int = 0) -> Result:
        installation = Installation()
        result = CliRunner().invoke(newsletter, list(arguments), obj=installation)
        installation.close()
        if isinstance(result.exception, InputError):
            raise result.exception
        assert result.exit_code == code, result.output
        return result

    return run


def test_a_new_newsletter_passes_the_checks_and_can_be_previewed(run: Run) -> None:
    assert run("new", "may", "--toolkit", "community-makes-us").stdout == "may.md\n"
    told = json.loads(run("check", "may.md", "--list", "news", "--format", "json").stdout)
    assert (told["errors"], told["findings"]) == (0, [])
    assert told["sizes"]["en"]["html_bytes"] < 80_000
    line = "Longest values, in characters: first_name 7 in line 11, first_name 7 in the subject."
    assert line in run("check", "may.md", "--list", "news").stderr
    assert "Longest values" not in run("check", "may.md").stderr
    files = json.loads(
        run(
            "preview",
            "may.md",
            "--out",
            "out",
            "--list",
            "news",
            "--member",
            "bo@a.example",
            "--no-pictures",
            "--format",
            "json",
        ).stdout
    )
    page = Path(files["html"]).read_text()
    assert "Dear Bo &amp; Co," in page
    assert "https://news.a.example/toolkits/community-makes-us" in page
    assert 'href="#" clicktracking="off"' in page
    assert "Dear Bo & Co," in Path(files["text"]).read_text()


def test_the_preview_s_pictures_are_beside_it_and_inside_the_message(run: Run) -> None:
    run("new", "may", "--toolkit", "community-makes-us")
    run("preview", "may.md", "--out", "out", "--no-pictures")
    page = Path("out/newsletter.html").read_text()
    for picture in Path("out/images").iterdir():
        assert f'src="images/{picture.name}"' in page
    message = message_from_bytes(Path("out/newsletter.eml").read_bytes(), policy=default)
    html = message.get_body(("html",))
    assert html is not None
    ids = [str(part["Content-ID"]).strip("<>") for part in message.walk() if part.get_content_maintype() == "image"]
    assert len(ids) == len(list(Path("out/images").iterdir()))
    assert all(f'src="cid:{name}"' in html.get_content() for name in ids)
    assert "Dear friend," in message.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert message["Subject"] == "Hello, Community Makes Us needs you"
    assert max(map(len, Path("out/newsletter.eml").read_bytes().split(b"\r\n"))) < 998


def test_a_preview_opens_in_the_person_s_browser_or_says_what_to_open(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("newsletters.browser.browser._PROGRAMS", ())
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)  # gives None: nothing was opened
    run("new", "may", "--toolkit", "community-makes-us")
    told = run("preview", "may.md", "--out", "out", "--open")
    assert opened == [Path("out/index.html").absolute().as_uri()]
    assert "There are no pictures. There is no Chromium here." in told.stderr
    assert "open out/index.html by hand" in told.stderr
    assert "out/index.html" in told.stdout


def test_a_preview_shows_what_can_be_made_and_says_what_can_t(run: Run) -> None:
    Path("may.md").write_text(
        "---\ntoolkit: community-makes-us\nsubject: May\npreheader: More\n---\nHello.\n\n::: copy welcom\n\nBye.\n"
    )
    told = run("preview", "may.md", "--out", "out", "--no-pictures")
    assert "Left out because of an error: may.md:8: " in told.stderr
    assert "compile-error" in Path("out/index.html").read_text()
    assert Path("out/newsletter.txt").read_text().count("Hello.\n\nBye.") == 1


def test_a_preview_is_for_its_owner_alone_and_follows_no_link(run: Run) -> None:
    run("new", "may", "--toolkit", "community-makes-us")
    run("preview", "may.md", "--out", "out", "--no-pictures")
    assert Path("out").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in Path("out").iterdir() if path.is_file()} == {0o600}
    shared, elsewhere = Path("shared"), Path("elsewhere")
    shared.mkdir(mode=0o755)
    elsewhere.write_text("theirs")
    (shared / "newsletter.html").symlink_to(elsewhere.absolute())
    (shared / "newsletter.eml").touch(mode=0o666)
    run("preview", "may.md", "--out", "shared", "--no-pictures")
    assert elsewhere.read_text() == "theirs"
    assert not (shared / "newsletter.html").is_symlink()
    assert (shared / "newsletter.eml").stat().st_mode & 0o777 == 0o600


def test_a_preview_that_can_t_be_written_says_why(run: Run) -> None:
    run("new", "may", "--toolkit", "community-makes-us")
    Path("out/newsletter.html").mkdir(parents=True)
    with pytest.raises(InputError, match=r"newsletter\.html: The preview can't be written here"):
        run("preview", "may.md", "--out", "out", "--no-pictures")
    assert not list(Path("out").glob(".preview-*"))


def test_a_new_newsletter_never_takes_the_place_of_another(run: Run) -> None:
    Path("may.md").write_text("mine")
    with pytest.raises(InputError, match="already"):
        run("new", "may", "--toolkit", "community-makes-us")
    assert Path("may.md").read_text() == "mine"


def test_a_new_newsletter_can_begin_as_a_copy(run: Run) -> None:
    run("new", "may", "--toolkit", "community-makes-us")
    run("new", "june", "--from", "may.md")
    assert Path("june.md").read_text() == Path("may.md").read_text()
    with pytest.raises(InputError, match="toolkit"):
        run("new", "july")


def test_check_exits_with_1_where_an_error_stands(run: Run) -> None:
    Path("may.md").write_text("---\ntoolkit: community-makes-us\nsubject: a\n---\n[a](page.html)\n")
    answer = json.loads(run("check", "may.md", "--format", "json", code=1).stdout)
    assert answer["errors"] == 1
    assert answer["findings"][0]["place"] == "may.md:5"
    assert "links-no-scheme" in run("check", "may.md", code=1).stdout


def test_check_looks_at_the_newsletter_in_a_partners_brand_and_at_sites_that_are_public(run: Run) -> None:
    run("new", "may", "--toolkit", "community-makes-us")
    with Path("may.md").open("a") as file:
        file.write("\n[here](http://127.0.0.1:1/)\n")
    Path("partner.yml").write_text("name: Bees of Bath\nintro: Read [our page](http://bees.org.uk/).\n")
    told = json.loads(run("check", "may.md", "--brand", "partner.yml", "--format", "json", code=1).stdout)
    found = {finding["code"]: finding["message"] for finding in told["findings"]}
    assert "bees.org.uk" in found["links-not-secure"]
    online = json.loads(run("check", "may.md", "--online", "--format", "json", code=1).stdout)["findings"]
    assert {finding["code"] for finding in online if finding["code"].startswith("links")} == {"links-not-public"}


def test_a_newsletter_that_can_t_be_made_is_a_finding_too(run: Run) -> None:
    Path("may.md").write_text("---\ntoolkit: community-makes-us\nsubject: a\n---\n::: copy welcom\n")
    first, *_ = json.loads(run("check", "may.md", "--format", "json", code=1).stdout)["findings"]
    assert (first["code"], first["place"], first["overridable"]) == ("compile-error", "may.md:5", False)
    assert "welcome" in first["mend"]
    assert "Must be fixed: compile-error." in run("check", "may.md", code=1).stderr


def test_a_stranger_s_preview_is_refused(run: Run) -> None:
    run("new", "may", "--toolkit", "community-makes-us")
    with pytest.raises(InputError, match=r"c@a\.example"):
        run("preview", "may.md", "--out", "out", "--list", "news", "--member", "c@a.example")
    assert not Path("out").exists()


def test_blocks_are_listed_with_examples(run: Run) -> None:
    blocks = {block["name"]: block for block in json.loads(run("blocks", "--format", "json").stdout)}
    assert "href" in {attribute["name"] for attribute in blocks["button"]["attributes"]}
    shown = run("blocks").stdout.splitlines()
    examples = [line for block in blocks.values() for line in block["example"].strip().splitlines()]
    assert [line for line in examples if line not in shown] == []


def test_one_block_is_shown_by_its_name(run: Run) -> None:
    [block] = json.loads(run("blocks", "button", "--format", "json").stdout)
    shown = run("blocks", "button").stdout
    assert shown.startswith(f"button: {block['summary']}\n")
    assert shown.endswith(f"\n\n{block['example'].strip()}\n")
    assert "\n  href: url (required)" in shown
    with pytest.raises(InputError, match="Did you mean 'button'"):
        run("blocks", "buton")
