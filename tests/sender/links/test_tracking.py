"""Links that show their own address are never tracked, by whichever provider the mail goes."""

from __future__ import annotations

from newsletters.merge.merge import KEY, LinkKeys, plan_merge
from sender.events.clicked_links import TrackedLinks
from sender.links.tracking import sent_references
from tests.fakes.sendgrid_mail import Mail
from tests.newsletters.compiling import compiled

PUBLIC = "https://news.daisies.org"
BODY = "https://a.org/x [a.org](https://a.org/y) www.b.org [words](https://a.org/w) hello@a.org"
OWN = ['href="https://a.org/x"', 'href="https://a.org/y"', 'href="https://www.b.org"', 'href="mailto:hello@a.org"']


def test_our_own_links_leave_them_out() -> None:
    references = sent_references(PUBLIC, opens="own", clicks="own")
    html = plan_merge(compiled(BODY).email, references).render({}, LinkKeys(*["k"] * 5)).html
    assert [link for link in OWN if link not in html] == []
    assert html.count(f"{PUBLIC}/c/{KEY}".replace(KEY, "k")) == 1


def test_sendgrid_leaves_them_out_and_its_positions_are_ours() -> None:
    email = compiled(BODY).email
    references = sent_references(PUBLIC, opens="off", clicks="provider")
    html = plan_merge(email, references).render({}, LinkKeys(*["k"] * 5)).html
    body = {"content": [{"type": "text/html", "value": html}], "tracking_settings": {}}
    mail = Mail(0, body, {"to": [{"email": "ann@mail.org"}]}, "id", "https://click.example")
    assert [link for link in OWN if link not in mail.html] == []
    assert mail.links == ["https://a.org/w"]
    assert TrackedLinks(email).seen_by({}, PUBLIC) == [(3, "https://a.org/w")]
