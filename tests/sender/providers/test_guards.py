"""No mail leaves whose links lead nowhere, and no password leaves in the clear."""

from __future__ import annotations

from pathlib import Path

import pytest

from daisychain.errors import ConfigurationError
from daisychain.settings import Settings
from sender.providers.guards import (
    check_encrypted,
    check_mailing,
    check_public_url,
    check_sendgrid_host,
    is_loopback,
)

LONGEST = "https://" + "n" * 38 + ".org"
PUBLIC, LOCAL, SENDER = "https://news.daisies.org", "http://127.0.0.1:8000", "news@daisies.org"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost", "LOCALHOST."])
def test_loopback_hosts_are_known_by_name(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["127.0.0.1.daisies.org", "localhost.daisies.org", "0.0.0.0", "10.0.0.1", ""])
def test_hosts_that_only_look_like_loopback_are_not(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize("url", ["https://news.daisies.org", "https://daisies.org:8443/mail", LONGEST])
def test_public_urls_that_readers_can_reach_pass(url: str) -> None:
    check_public_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://news.daisies.org",
        "news.daisies.org",
        "https://",
        "https://localhost",
        "https://127.0.0.1:8000",
        "https://[::1]",
        "https://192.168.1.4",
        "https://10.1.2.3",
        "https://169.254.1.1",
        "https://news",
        "https://news.local",
        "https://news.example",
        "https://www.example.org",
        "https://nachrichten-für-dich.de",
        "https://news.daisies.org?x=1",
        "https://user@news.daisies.org",
        LONGEST.replace("n.org", "nn.org"),
    ],
)
def test_public_urls_that_readers_cannot_reach_are_refused_by_name(url: str) -> None:
    with pytest.raises(ConfigurationError, match="DAISYCHAIN_PUBLIC_URL"):
        check_public_url(url)


@pytest.mark.parametrize(
    "address", ["a@daisies.example", "a@EXAMPLE.org", "a@mail.example.com.", "a@x.test", "a@localhost"]
)
def test_a_real_provider_does_not_send_from_a_domain_that_nobody_owns(tmp_path: Path, address: str) -> None:
    with pytest.raises(ConfigurationError, match="reserved domain"):
        check_mailing(Settings(home=tmp_path, public_url=PUBLIC), "api.sendgrid.com", address)


def test_an_ordinary_sender_passes(tmp_path: Path) -> None:
    check_mailing(Settings(home=tmp_path, public_url=PUBLIC), "api.sendgrid.com", "news@myexample.org")


@pytest.mark.parametrize(
    ("test_mode", "host", "lifted"),
    [(True, "127.0.0.1", True), (False, "127.0.0.1", False), (True, "api.sendgrid.com", False)],
)
def test_test_mode_lifts_the_guards_for_providers_on_this_machine_only(
    tmp_path: Path, test_mode: bool, host: str, lifted: bool
) -> None:
    refusals = 0
    for public_url, address in ((LOCAL, SENDER), (PUBLIC, "news@coalition.example")):
        settings = Settings(home=tmp_path, public_url=public_url, test_mode=test_mode)
        try:
            check_mailing(settings, host, address)
        except ConfigurationError:
            refusals += 1
    assert refusals == (0 if lifted else 2)


@pytest.mark.parametrize("url", ["https://coalition.example/read", "https://www.example.org", "http://a.test/b?c"])
def test_demonstration_links_are_not_for_members(tmp_path: Path, url: str) -> None:
    settings = Settings(home=tmp_path, public_url=PUBLIC)
    harmless = ["https://daisies.org/read", "mailto:ann@daisies.org", "/toolkits/x"]
    check_mailing(settings, "api.sendgrid.com", SENDER, harmless)
    with pytest.raises(ConfigurationError, match="demonstration copy"):
        check_mailing(settings, "api.sendgrid.com", SENDER, ["https://daisies.org", url])


@pytest.mark.parametrize("host", ["evil.org", "sendgrid.com.evil.org", "mysendgrid.com", "10.0.0.1", ""])
def test_the_key_goes_to_sendgrid_alone(host: str) -> None:
    check_sendgrid_host("api.eu.sendgrid.com")
    check_sendgrid_host("127.0.0.1")
    with pytest.raises(ConfigurationError, match="given away"):
        check_sendgrid_host(host)


def test_a_missing_public_url_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="DAISYCHAIN_PUBLIC_URL is not set"):
        check_mailing(Settings(home=tmp_path), "api.sendgrid.com", SENDER)


def test_plain_connections_are_for_this_machine(tmp_path: Path) -> None:
    check_encrypted("SMTP_URL", "localhost", encrypted=False)
    check_encrypted("SMTP_URL", "mail.daisies.org", encrypted=True)
    with pytest.raises(ConfigurationError, match="without encryption"):
        check_encrypted("SMTP_URL", "mail.daisies.org", encrypted=False)
