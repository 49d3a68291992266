"""Size, at the longest values and branches that somebody could get."""

from __future__ import annotations

from newsletters.checks.size import worst_case
from tests.newsletters.checks.planting import Planted, newsletter
from tests.newsletters.compiling import compiled
from tests.newsletters.crowd import Crowd

ANN = {"email": "ann@a.example", "city": "Hull"}
BRANCHES = "{% if member.city %}\n" + "kind " * 8_000 + "\n{% else %}\n" + "free " * 8_000 + "\n{% endif %}"

PLANTED = [
    Planted("size-clipped", newsletter("kind " * 19_000), newsletter("kind " * 15_000), "may.md", "tracked links"),
    Planted("size-large", newsletter("kind " * 15_000), newsletter("kind " * 10_000), "may.md", "kB"),
    Planted("size-values", newsletter(BRANCHES), newsletter("{% if member.city %}kind{% endif %}"), "may.md", "bytes"),
]


def test_the_size_counts_the_longest_value_of_the_list() -> None:
    body = "{{ member.city | default('a') }}"
    assert newsletter(body, people=Crowd({**ANN, "city": "x" * 90_000}))("size-clipped")[0].code == "size-clipped"
    assert newsletter(body, people=Crowd(ANN))("size-clipped") == []


def test_the_largest_mail_is_told_with_the_longest_value_of_each_slot() -> None:
    made = compiled("Dear {{ member.city | default('you') }}", list_fields=frozenset({"city"}))
    told = worst_case(made, Crowd(ANN, {"email": "bo@a.example", "city": "Llanfairpwllgwyngyll"}))
    assert told["slots"] == [{"place": "may.md:6", "where": "in line 6", "fields": ["city"], "longest": 20}]
    assert told["html_bytes"] == worst_case(made, Crowd(ANN))["html_bytes"] + 16


def test_of_two_branches_only_the_longer_counts() -> None:
    codes = {found.code for found in newsletter(BRANCHES, people=Crowd(ANN))("size-large")}
    assert codes == {"size-values"}
