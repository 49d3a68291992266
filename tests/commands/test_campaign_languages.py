"""A newsletter in English, Welsh, Arabic and Hindi by the commands: made, looked at, sent, counted, and changed."""

from __future__ import annotations

import re
from email import message_from_bytes
from email.policy import default

import pytest

from daisychain.database import Database
from tests.command import Daisychain
from tests.commands.test_campaign import mails
from tests.fakes.sendgrid import FakeSendGrid, Fault
from tests.public_pages import public_app

FRONT = "toolkit: community-makes-us\nlayout: letter\n"
SUBJECTS = {"en": "News for", "cy": "Newyddion i", "ar": "أخبار إلى", "hi": "समाचार"}
READ = {"en": "Read on", "cy": "Darllen mwy", "ar": "اقرأ المزيد", "hi": "और पढ़ें"}
LEAVE = {"en": "Leave the list?", "cy": "Gadael y rhestr?", "ar": 'dir="rtl"', "hi": "सूची छोड़नी है?"}
PEOPLE = {
    "ann": "en", "bob": "cy", "cay": "ar-EG", "dev": "hi", "eve": "", "fay": "fr", "gwen": "cy-GB", "hal": "en-GB",
}  # fmt: skip
GIVEN = {"ann": "en", "bob": "cy", "cay": "ar", "dev": "hi", "eve": "en", "fay": "en", "gwen": "cy", "hal": "en"}


def document(language: str, front: str = "") -> str:
    return (
        f'---\nsubject: {SUBJECTS[language]} {{{{ member.first_name | default("?") }}}}\npreheader: {READ[language]}\n'
        f"{front}---\n[{READ[language]}](https://coalition.example/{language}/read)\n"
    )


@pytest.fixture
def may(daisychain: Daisychain) -> Daisychain:
    """A newsletter in four languages, and eight people who want one of them, another one, or none."""
    folder = daisychain.folder
    (folder / "may.md").write_text(document("en", FRONT), encoding="utf-8")
    for language in ("cy", "ar", "hi"):
        (folder / f"may.{language}.md").write_text(document(language), encoding="utf-8")
    rows = "".join(f"{name}@people.example,{name.title()},{language}\n" for name, language in PEOPLE.items())
    (folder / "people.csv").write_text(f"Email,First name,Language\n{rows}")
    daisychain("list", "create", "friends", "--from", "Coalition <hello@coalition.example>")
    daisychain("list", "import", "friends", "people.csv", "--basis", "consent", "--source", "form")
    return daisychain


def created(daisychain: Daisychain, *options: str) -> str:
    create = ("campaign", "create", "may.md", "--list", "friends", "--format", "json", *options)
    return str(daisychain.json(*create)["id"])


def test_each_person_gets_their_language_exactly_once(may: Daisychain, sendgrid: FakeSendGrid) -> None:
    real = may.with_settings(sendgrid_api_key=sendgrid.key, sendgrid_api_host=sendgrid.url)
    campaign_id = created(real, "--provider", "sendgrid")
    sendgrid.script(Fault(status=413))  # the first batch is halved; with one slot it is that of the four in English
    summary = real("campaign", "send", campaign_id, "--yes", "--concurrency", "1", "--processes", "1").stderr
    assert "In en        4 people, including all whose language is not here: News for" in summary
    assert "In cy        2 people: Newyddion i" in summary
    assert sendgrid.copies == {f"{name}@people.example": 1 for name in PEOPLE}
    for name, language in GIVEN.items():
        mail = sendgrid.mail(f"{name}@people.example")
        assert mail.subject.startswith(SUBJECTS[language])
        assert name.title() in mail.subject
        assert f'lang="{language}"' in mail.html
        assert (READ[language] in mail.html, READ[language] in mail.text) == (True, True)

    told = real.json("campaign", "status", campaign_id, "--format", "json")
    assert told["fallback"] == "en"
    assert {code: part["accepted"] for code, part in told["languages"].items()} == {"ar": 1, "cy": 2, "en": 4, "hi": 1}
    assert real.json("campaign", "who", campaign_id, "gwen@people.example", "--format", "json")["language"] == "cy"


def test_pages_clicks_and_figures_are_of_the_language_that_somebody_got(may: Daisychain, database: Database) -> None:
    campaign_id = created(may)
    may("campaign", "send", campaign_id, "--yes")
    client = public_app(database).test_client()
    for name in ("bob", "ann", "fay", "cay", "dev"):
        eml = next(path for path in mails(may) if f"{name}@people.example" in path.read_text())
        mail = message_from_bytes(eml.read_bytes(), policy=default)
        html = mail.get_body(("html",)).get_content()  # type: ignore[union-attr]
        view, leave, clicked = (re.search(rf"/{door}/[\w-]+", html)[0] for door in "vuc")  # type: ignore[index]
        assert READ[GIVEN[name]] in client.get(view).get_data(as_text=True)
        assert LEAVE[GIVEN[name]] in client.get(leave).get_data(as_text=True)
        links = [client.get(f"{clicked}/{number}").headers.get("Location", "") for number in range(8)]
        assert f"https://coalition.example/{GIVEN[name]}/read" in links

    report = may.json("report", "show", campaign_id, "--format", "json")
    assert (report["figures"]["clicked"]["numerator"], report["figures"]["clicked"]["denominator"]) == (5, 8)
    by_language = {code: figures["clicked"] for code, figures in report["languages"].items()}
    assert {code: (each["numerator"], each["denominator"]) for code, each in by_language.items()} == {
        "en": (2, 4), "cy": (1, 2), "ar": (1, 1), "hi": (1, 1),
    }  # fmt: skip
    for name in ("intended", "accepted", "clicked", "unsubscribed"):
        parts = [figures[name]["numerator"] for figures in report["languages"].values()]
        assert sum(parts) == report["figures"][name]["numerator"]
    read = next(link for link in report["links"] if link["text"] == "Read on")
    assert (read["clickers"]["numerator"], read["language"]) == (5, "")
    table = may("report", "show", campaign_id).stdout
    assert "2 of 4 (50.0 %)" in table


def test_a_test_goes_out_in_each_language_marked_with_it(may: Daisychain) -> None:
    send = ("newsletter", "test", "may.md", "--to", "me@coalition.example", "--list", "friends", "--format", "json")
    answer = may.json(*send)
    assert [mail["language"] for mail in answer["mails"]] == ["en", "ar", "cy", "hi"]
    assert len({"[TEST cy]" in path.read_text() for path in mails(may)}) == 2
    assert [mail["language"] for mail in may.json(*send, "--language", "hi")["mails"]] == ["hi"]
    assert "There is no newsletter in 'fr'" in may(*send, "--language", "fr", code=1).stderr


def test_a_draft_whose_translations_are_not_what_they_were_is_refused(may: Daisychain) -> None:
    for language in ("ar", "hi"):
        (may.folder / f"may.{language}.md").unlink()
    campaign_id = created(may)
    english, welsh, polish = (may.folder / f"may{ending}.md" for ending in ("", ".cy", ".pl"))

    def refused() -> str:
        return may("campaign", "send", campaign_id, "--yes", code=1).stderr

    welsh.write_text(document("cy") + "\nMwy.\n", encoding="utf-8")
    assert "cy is changed" in refused()
    welsh.unlink()
    assert "cy is gone" in refused()
    welsh.write_text(document("cy"), encoding="utf-8")
    polish.write_text(document("cy"), encoding="utf-8")
    assert "pl is new" in refused()
    polish.unlink()
    english.write_text(document("en", FRONT + "fallback: cy\n"), encoding="utf-8")
    assert "gets 'cy' now" in refused()
    may("campaign", "send", campaign_id, "--yes", "--as-created")
    assert len(mails(may)) == len(PEOPLE)


def test_a_check_says_how_many_of_a_list_get_each_language(may: Daisychain) -> None:
    (may.folder / "may.ar.md").unlink()
    found = may.json("newsletter", "check", "may.md", "--list", "friends", "--format", "json")
    assert found["readers"] == {"en": 5, "cy": 2, "hi": 1}
    told = {each["code"]: each for each in found["findings"]}
    assert "2 of 8 people want a language that is not here: 1 ar-eg, 1 fr" in told["translations-unserved"]["message"]
    assert told["translations-addresses"]["place"].startswith("may.")


def test_a_new_newsletter_from_a_campaign_brings_its_translations(may: Daisychain) -> None:
    campaign_id = created(may)
    may("newsletter", "new", "june", "--from", campaign_id)
    may("newsletter", "new", "july", "--from", "june.md")
    for ending in ("", ".cy", ".ar", ".hi"):
        text = (may.folder / f"may{ending}.md").read_text(encoding="utf-8")
        assert [(may.folder / f"{name}{ending}.md").read_text(encoding="utf-8") for name in ("june", "july")] == [
            text
        ] * 2
    (may.folder / "june.md").unlink()
    assert "june.ar.md" in may("newsletter", "new", "june", "--from", campaign_id, code=1).stderr
    assert not (may.folder / "june.md").exists()


def test_a_language_from_another_address_is_refused(may: Daisychain) -> None:
    (may.folder / "may.cy.md").write_text(document("cy", "from: Cymru <helo@cymru.example>\n"), encoding="utf-8")
    refused = may("campaign", "create", "may.md", "--list", "friends", code=1).stderr
    assert "may.cy.md:4" in refused
    assert "helo@cymru.example" in refused


def test_a_follow_up_reaches_each_in_their_language(may: Daisychain) -> None:
    first = created(may)
    may("campaign", "send", first, "--yes")
    create = ("campaign", "create", "may.md", "--from-campaign", first, "--where", "accepted", "--format", "json")
    again = may.json(*create)
    may("campaign", "send", str(again["id"]), "--yes", "--repeat")
    told = may.json("campaign", "status", str(again["id"]), "--format", "json")
    assert {code: part["accepted"] for code, part in told["languages"].items()} == {"ar": 1, "cy": 2, "en": 4, "hi": 1}
