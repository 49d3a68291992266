"""Any question, as hypothesis makes them up."""

from __future__ import annotations

import unicodedata
from datetime import date

from hypothesis import strategies as st

from lists.bases import BASES
from lists.segments.segment_tree import (
    DATES,
    AgreedToTracking,
    AllOf,
    AnyOf,
    Engaged,
    FieldTest,
    Negated,
    OnList,
    Period,
    Question,
    spelled,
)

# Whatever a person can type: everything but control characters and halves of surrogate pairs.
texts = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=30).map(
    lambda text: unicodedata.normalize("NFC", text)
)
some_text = texts.filter(lambda text: bool(text.strip()))
numbers = st.decimals(-(10**12), 10**12, places=3)
days = st.dates(date(1900, 1, 1), date(2200, 12, 31))
spans = st.builds(Period, st.integers(1, 99), st.sampled_from(["day", "week", "month", "year"]))
fields = st.one_of(
    st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True),
    st.sampled_from(["on", "not", "and", "empty", "joined", "consent", "was", "in", "is", "last", "before", "member"]),
).map(spelled)
dated = st.one_of(
    st.tuples(st.sampled_from(["is", "before", "after"]), days), st.tuples(st.sampled_from(["in last", "ago"]), spans)
)


def _compared(subject: str, how: str, *values: object) -> Question:
    return FieldTest(subject, how, tuple(values))  # type: ignore[arg-type]


comparisons = st.one_of(
    st.builds(_compared, fields, st.just("is"), st.one_of(texts, numbers, days)),
    st.builds(_compared, fields, st.just("is empty")),
    st.builds(_compared, fields, st.just("contains"), some_text),
    st.builds(
        lambda field, values: _compared(field, "in", *values),
        fields, st.lists(st.one_of(texts, numbers, days), min_size=1, max_size=4),
    ),
    st.builds(_compared, fields, st.sampled_from(["<", "<=", ">", ">="]), numbers),
    st.builds(lambda field, test: _compared(field, *test), st.one_of(fields, st.sampled_from(DATES)), dated),
    st.builds(_compared, st.just("consent"), st.just("is"), st.sampled_from(BASES)),
    st.builds(_compared, st.just("organisation"), st.sampled_from(["is", "contains"]), some_text),
)  # fmt: skip
campaigns = st.integers(1, 100)
conditions = st.one_of(
    comparisons,
    st.builds(OnList, texts),
    st.just(AgreedToTracking()),
    st.builds(Engaged, st.sampled_from(["opened", "was sent", "clicked"]), campaigns),
    st.builds(Engaged, st.just("clicked"), st.one_of(st.none(), campaigns), some_text),
)
questions: st.SearchStrategy[Question] = st.recursive(
    conditions,
    lambda parts: st.one_of(
        parts.map(Negated),
        st.lists(parts, min_size=2, max_size=3).map(lambda many: AllOf(tuple(many))),
        st.lists(parts, min_size=2, max_size=3).map(lambda many: AnyOf(tuple(many))),
    ),
    max_leaves=8,
)
