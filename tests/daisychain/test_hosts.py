from __future__ import annotations

import ipaddress

import pytest

from daisychain.hosts import is_public


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        ("10.0.0.1", False),
        ("127.0.0.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("ff0e::1", False),
        ("fec0::1", False),
        ("fe80::1%1", False),
        ("::ffff:10.0.0.1", False),
        ("::10.0.0.1", False),
        ("64:ff9b::a9fe:a9fe", False),
        ("64:ff9b:1::a00:1", False),
        ("2002:a00:1::1", False),
        ("2001:0:7f00:1::1", False),
    ],
)
def test_an_address_is_public_where_it_and_what_is_written_within_it_can_be_nobodys_own(
    address: str, public: bool
) -> None:
    assert is_public(ipaddress.ip_address(address)) is public
