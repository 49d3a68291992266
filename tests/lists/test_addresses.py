from __future__ import annotations

import pytest
from email_validator import validate_email

from daisychain.errors import InputError
from lists.addresses import AddressError, common_key, parse_address, require_address

LOCALS = ["ann", "a.b", "a+b", "a_b-c", "-", "_", "1", "Ann.Smith", "a" * 40]
DOMAINS = ["x.org", "X.Org", "a-b.example", "1.org", "x.co", "sub.sub.x.museum", "a-1-b.io", "x1.y2.example"]


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("local", LOCALS)
def test_the_quick_look_agrees_with_the_thorough_one(local: str, domain: str) -> None:
    address = f"{local}@{domain}"
    thorough = validate_email(address, check_deliverability=False, allow_smtputf8=False, strict=True)
    assert common_key(address) == str(thorough.ascii_email).lower()


@pytest.mark.parametrize(
    "address",
    [
        "ann", "ann@", "@x.org", "ann@x", ".a@x.org", "a.@x.org", "a..b@x.org", "a@-x.org", "a@x-.org", "a@ab--c.org",
        "a@x..org", "a@x.org.", "a@x.o2", "a@x.1", "a@x_y.org", "a b@x.org", "a@x.local", "a@x.test", "a@localhost",
        "änn@x.org", "ann@bücher.example", "a@x.org\n", "a" * 65 + "@x.org", "Ⓚ@x.org",
        "a@\u212a.org",  # the Kelvin sign, small k in lower case
    ],
)  # fmt: skip
def test_the_quick_look_leaves_everything_unusual_to_the_thorough_one(address: str) -> None:
    assert common_key(address) is None


@pytest.mark.parametrize(
    ("text", "written", "key"),
    [
        ("  ann@x.org ", "ann@x.org", "ann@x.org"),
        ("Ann@X.Org", "Ann@X.Org", "ann@x.org"),
        ("Ann@Bücher.example", "Ann@xn--bcher-kva.example", "ann@xn--bcher-kva.example"),
        ("o'neil@x.org", "o'neil@x.org", "o'neil@x.org"),
        ("O'Neil@X.org", "O'Neil@X.org", "o'neil@x.org"),
        ("ann@people.test", "ann@people.test", "ann@people.test"),
    ],
)
def test_an_address_is_kept_as_written_and_compared_in_lower_case(text: str, written: str, key: str) -> None:
    assert parse_address(text) == (written, key)
    assert parse_address(key).key == key


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no address"),
        ("   ", "no address"),
        ("ann", "no @"),
        ("ann@charity", "no dot"),
        ("ann@charity,org", r"comma .* ann@charity\.org\?"),
        ("ann@charity;org", r"ann@charity\.org\?"),
        ("ann@charity.org.", r"ends with a dot; ann@charity\.org\?"),
        ("Ann Smith <ann@x.org>", r"write only ann@x\.org$"),
        ("<ann@x.org>", r"write only ann@x\.org$"),
        ("mailto:ann@x.org", r"write only ann@x\.org$"),
        ("ann@x.org; bob@x.org", "more than one address"),
        ("ann@x.org bob@x.org", "more than one address"),
        ("ann\u200b@x.org", r"invisible character \(U\+200B\)"),
        ("ann smith@x.org", "SPACE"),
        ("änn@x.org", "before the @-sign"),
        ('"ann smith"@x.org', "uoting"),
        ("ann@[192.0.2.1]", "IP address"),
        ("a" * 65 + "@x.org", "too long"),
        ("ann@" + "x" * 64 + ".org", "too many"),
        ("ann@somewhere.invalid", "reserved"),
    ],
)
def test_what_is_no_address_is_refused_with_a_reason_and_what_was_probably_meant(text: str, reason: str) -> None:
    with pytest.raises(AddressError, match=reason):
        parse_address(text)


def test_a_typed_address_is_named_in_the_error() -> None:
    with pytest.raises(InputError, match=r"The reply-to address 'ann@x' can't be used"):
        require_address("ann@x", "reply-to address")
