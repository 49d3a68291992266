"""Send a newsletter to oneself, to colleagues and to kept test inboxes, by the real path."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request

from accounts.staff import list_colleagues
from daisychain.errors import InputError
from desk.access import connection, database, note, person, right, settings, tell_at
from desk.forms import Form, asked_number
from desk.newsletters.opened import opened
from lists.lists import list_names
from newsletters.stored.manuscripts import origin_of
from newsletters.stored.newsletters import SavedNewsletter
from sender.campaigns.test_inboxes import all_sets, require_set
from sender.campaigns.test_sends import mails_of_test, start_test

blueprint = Blueprint("test_mail", __name__, url_prefix="/newsletters/<int:newsletter_id>/test")


@blueprint.get("")
@right("tests.send")
def ask(newsletter_id: int) -> Any:
    """Ask who gets the test: oneself, unless others are chosen; show the result of the last one."""
    names = list_names(connection())
    return _page(opened(newsletter_id), Form(list=names[0] if len(names) == 1 else ""))


@blueprint.post("")
@right("tests.send")
def send(newsletter_id: int) -> Any:
    """Send the test: only to people with an account and to kept sets, as staff can reach no others from here."""
    newsletter, form, campaign_id = opened(newsletter_id), Form("list"), 0
    with form.check("to"):
        addresses = _chosen()
        campaign_id = start_test(
            database(), origin_of(newsletter.name), addresses, provider=settings().provider,
            list_name=form["list"] or None, sample=person().may("people.see"),
        ).id  # fmt: skip
        note(test=campaign_id, people=len(addresses), version=newsletter.version)
    if not campaign_id:
        return _page(newsletter, form)
    return tell_at("test_mail.ask", "The test is on its way.", newsletter_id=newsletter.id, sent=campaign_id)


def _chosen() -> list[str]:
    """Return the addresses that were chosen; one's own if none were."""
    numbers, sets = request.form.getlist("person"), request.form.getlist("set")
    colleagues = [each.email for each in list_colleagues(connection()) if str(each.id) in numbers]
    if len(colleagues) < len(numbers):
        raise InputError("Somebody you chose has no account any more.", hint="Choose again.")
    kept = [address for name in sets for address in require_set(connection(), name)]
    return list(dict.fromkeys([*colleagues, *kept])) or [person().email]


def _page(newsletter: SavedNewsletter, form: Form) -> Any:
    sent = asked_number("sent")
    others = [each for each in list_colleagues(connection()) if each.id != person().account_id]
    lists = [("", "the newsletter’s own sender"), *((name, name) for name in list_names(connection()))]
    return form.page(
        "desk/newsletters/test.html", newsletter=newsletter, others=others, sets=all_sets(connection()), lists=lists,
        mails=mails_of_test(connection(), sent, origin_of(newsletter.name)) if sent else [], sent=sent,
    )  # fmt: skip
