"""Links of this installation: a path is put on its public URL, anything else stays."""

from __future__ import annotations

import pytest

from daisychain.urls import absolute_url


@pytest.mark.parametrize(
    ("url", "whole"),
    [
        ("/toolkits/fair", "https://news.example/toolkits/fair"),
        ("https://a.example/", "https://a.example/"),
        ("//a.example/x", "//a.example/x"),
        ("mailto:a@a.example", "mailto:a@a.example"),
    ],
)
def test_only_a_path_is_put_on_the_public_url(url: str, whole: str) -> None:
    assert absolute_url(url, "https://news.example") == whole
