"""Groups people who see the same parts of their email, as its conditions decide, so that they can share batches.

A provider that fills in the values itself gets a condition's part once in such a request, and not once a person. It is
only about size: a batch may also mix people, and each request finds out again who is in it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Integer, cast, func, literal, select
from sqlalchemy.dialects.postgresql import JSONB

from lists.audience import Audience, column_of
from lists.tables import Membership
from newsletters.merge.branching import Conditions
from sender.delivery.campaign_emails import Emails
from sender.links.sent_mail import load_emails

# Each kind costs a request that is not full. Rare kinds, and those beyond these, are mixed.
MOST_KINDS, LEAST = 16, 100
# So many people are looked at, and so many combinations of their values.
SAMPLE, MOST_VALUES = 20_000, 2_000
_BETWEEN = "\x1f"


@dataclass(frozen=True)
class Kinds:
    """The numbers of the kinds of people, by the values of the fields that decide; 0 is everybody else."""

    fields: Sequence[str]
    numbers: Mapping[str, int]

    def of(self, inputs: Any) -> ColumnElement[int]:
        """Return SQL for the kind of a person with these merge inputs."""
        values = func.concat_ws(_BETWEEN, *(func.coalesce(inputs[field].astext, "") for field in self.fields))
        return func.coalesce(cast(literal(dict(self.numbers), JSONB)[values].astext, Integer), 0)


def kinds_of(connection: Connection, audience: Audience, emails: Emails) -> Kinds | None:
    """Return the kinds that a sample of an audience shows; None if there is only one worth a batch of its own."""
    conditions = [Conditions(email) for email in load_emails(connection, sorted(emails.all())).values()]
    fields = sorted({field for each in conditions for field in each.fields})
    if not fields:
        return None
    on_list = select(func.count()).where(Membership.list_id == audience.list_id)
    stands_for = max((connection.scalar(on_list) or 0) // SAMPLE, 1)
    columns = [func.coalesce(column_of(field), "").label(f"f{at}") for at, field in enumerate(fields)]
    names = [column.name for column in columns]
    sampled = audience.mailable(*columns).where(func.hashint8(Membership.member_id) % stands_for == 0).subquery()
    values = [sampled.c[name] for name in names]
    found = select(*values, func.count()).group_by(*values).order_by(func.count().desc(), *values).limit(MOST_VALUES)
    kinds: dict[str, tuple[tuple[bool, ...], ...]] = {}
    people: Counter[tuple[tuple[bool, ...], ...]] = Counter()
    for *own, count in connection.execute(found):
        member = dict(zip(fields, own, strict=True))
        kind = kinds[_BETWEEN.join(own)] = tuple(each.outcomes(member) for each in conditions)
        people[kind] += count * stands_for
    worth = [kind for kind, count in people.most_common(MOST_KINDS) if count >= LEAST]
    if len(people) < 2 or not worth:
        return None
    return Kinds(fields, {key: worth.index(kind) + 1 for key, kind in kinds.items() if kind in worth})
