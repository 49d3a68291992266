"""Writes the page docs/checks.md, which is made of the codes: python -m newsletters.checks > docs/checks.md."""

from __future__ import annotations

import html
import sys
from collections.abc import Iterator
from types import ModuleType

from newsletters.checks import codes_of, families
from newsletters.checks.finding import Code

_HEAD = """\
# Checks

`daisychain newsletter check FILE` looks for these. Each finding has a code, and a place: the line of the newsletter, or
of the copy block, that it is about. An *error* stops a campaign; a *warning* or a *hint* is yours to judge.

```sh
daisychain newsletter check may.md --list supporters      # with the people of that list
daisychain newsletter check may.md --brand partner.yml    # as it looks in that brand
daisychain newsletter check may.md --online               # also asks the sites that its links lead to
daisychain newsletter check may.md --deep                 # also slow checks
daisychain campaign create may.md --list supporters --override words-placeholder="XXX is the band's name"
```

`--override` accepts one error in one campaign, if the check says that it can be overridden. The campaign keeps who
accepted it and why, and shows it before it is sent and in `campaign status`.

`python -m newsletters.checks` writes this page from the code.
"""


def page() -> str:
    """Return the whole page, in Markdown."""
    return _HEAD + "".join(line for family in families() for line in _family(family))


def _family(family: ModuleType) -> Iterator[str]:
    name = family.__name__.rpartition(".")[2].capitalize()
    title, _, rest = (family.__doc__ or "").strip().partition("\n")
    words = title.removeprefix(f"{name}: ")
    yield f"\n## {name}\n\n{words[0].upper()}{words[1:]}\n"
    # The rest of a family's docstring: sources, and what it needs.
    if rest.strip():
        yield f"\n{rest.strip()}\n"
    for code in codes_of(family):
        yield _code(code)


def _code(code: Code) -> str:
    overridable = ", can be overridden" if code.overridable else ""
    title, why, fix = (html.escape(words, quote=False) for words in (code.title, code.why, code.fix))
    return f"\n### {code.name}\n\n**{title}** ({code.severity}{overridable}). {why}\n*{fix}*\n"


if __name__ == "__main__":
    sys.stdout.write(page())
