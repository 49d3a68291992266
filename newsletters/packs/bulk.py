"""Many at once: the packs of all partners in a sheet, made by as many processes as there are processors."""

from __future__ import annotations

import csv
import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from daisychain.atomic_files import replacing
from daisychain.csv_cells import guarded
from daisychain.errors import InputError
from daisychain.sheets.sheet import Sheet
from daisychain.suggestions import nearest
from newsletters.packs.dialects.dialect import ALL, Dialect, each_dialect
from newsletters.packs.edition import Edition
from newsletters.packs.material import Material, gather
from newsletters.packs.pack import Pack, make_pack, save
from newsletters.packs.partner import Fail, Partner, partner_of, read_rows
from newsletters.packs.partner_codes import Claim, assign_codes, name_key
from newsletters.toolkits.images import ToolkitImage

# Starting a process costs about a second: fewer partners than this are done sooner in this one.
_WORTH_A_POOL = 40
FAILURES = "failures.csv"
EVERY_PARTNER = "every partner"


@dataclass(frozen=True)
class Order:
    """The packs to make of a newsletter, and the folder to put them in.

    `editions` are by language, the newsletter's own first. Dialects by key and languages by code, with commas or `all`;
    empty: as each partner says.
    """

    editions: Mapping[str, Edition]
    dialects: str
    languages: str
    out: Path
    as_zip: bool

    def tools_for(self, partner: Partner | None, *, row: bool = False) -> str:
        """Return the tools to make packs for, in words: a row of a sheet has the last word about its own."""
        own = partner.dialects if partner else ""
        return (own or self.dialects) if row else (self.dialects or own)

    def editions_for(self, own: str) -> Iterator[Edition | InputError]:
        """Yield the editions in the languages asked for, or in a partner's `own`, or else the newsletter's.

        One that is missing is an error.
        """
        asked = self.languages or own
        codes = [code.strip() for code in asked.split(",") if code.strip()] or [next(iter(self.editions))]
        for code in self.editions if codes == [ALL] else dict.fromkeys(codes):
            yield self.editions.get(code) or InputError(
                f"There is no newsletter in the language {code!r}.", hint=nearest(code, list(self.editions))
            )


@dataclass(frozen=True)
class Problem:
    """The reason why there is no pack, for all tools or languages if none is named."""

    why: str
    tool: str = ""
    language: str = ""


@dataclass(frozen=True)
class Made:
    """The result for one partner: the packs' rows and places, and why others are missing.

    Line 0 is nobody's: a pack without branding, or what is wrong for every partner.
    """

    line: int
    name: str
    rows: tuple[dict[str, Any], ...] = ()
    places: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    images: tuple[ToolkitImage, ...] = ()

    @property
    def why(self) -> str:
        """Return the problems as sentences, each once; empty if there are none."""
        return " ".join(dict.fromkeys(problem.why for problem in self.problems))


# Why no partner can have a pack, by language and dialect.
_Unfit = Mapping[tuple[str, str], str]


def make_for(order: Order, partner: Partner | None, line: int = 0, unfit: _Unfit | None = None) -> Made:
    """Return the packs of one partner, or those without branding, written.

    What goes wrong fails one pack. Raises InputError if there is none, unless this is for a `line` of a sheet.
    """
    run = _Run(order, partner, unfit or {})
    for edition in order.editions_for(partner.languages if partner else ""):
        run.make_edition(edition, list(each_dialect(order.tools_for(partner, row=line > 0))))
    if run.errors and not run.packs and not line:
        raise run.errors[0]
    return Made(
        line, partner.name if partner else "", tuple(pack.row for pack in run.packs), tuple(run.places),
        tuple(run.problems), tuple(dict.fromkeys(run.notes)), tuple(run.images),
    )  # fmt: skip


class _Run:
    """The packs of one partner under way."""

    def __init__(self, order: Order, partner: Partner | None, unfit: _Unfit) -> None:
        self._order, self._partner, self._unfit = order, partner, unfit
        self.packs: list[Pack] = []
        self.places: list[str] = []
        self.images: list[ToolkitImage] = []
        self.notes: list[str] = []
        self.errors: list[InputError] = []
        self.problems: list[Problem] = []

    def make_edition(self, edition: Edition | InputError, tools: Sequence[Dialect | InputError]) -> None:
        if isinstance(edition, InputError):
            self._failed(edition)
            return
        try:
            material = gather(edition, self._partner)
        except InputError as error:
            self._failed(error, "", edition.language)
            return
        self.notes += material.notes
        for dialect in tools:
            if isinstance(dialect, InputError):
                self._failed(dialect)
            elif (edition.language, dialect.key) not in self._unfit:
                self._make(material, dialect)
        self.images += material.hosted_images

    def _make(self, material: Material, dialect: Dialect) -> None:
        try:
            pack = make_pack(material, dialect)
            self.places.append(str(save(pack, self._order.out, as_zip=self._order.as_zip)))
            self.packs.append(pack)
        except InputError as error:
            self._failed(error, dialect.key, material.edition.language)

    def _failed(self, error: InputError, tool: str = "", language: str = "") -> None:
        problem = Problem(_said(error), tool, language)
        if problem not in self.problems:
            self.errors.append(error)
            self.problems.append(problem)


def _said(error: InputError) -> str:
    return error.in_one_line


def make_many(
    order: Order, partners: Sheet, watch: Callable[[int, int], None], claim: Claim = assign_codes
) -> list[Made]:
    """Make the packs of each row of the sheet `partners`; `watch` gets how many of how many are done.

    `claim` gives the partners their codes.

    A row that fails is reported by its line and stops no other; only a sheet that can't be read raises InputError.
    """
    rows = list(read_rows(partners))
    watch(0, len(rows))
    unfit = _unfit(order, rows)
    results: list[Made] = []
    for made in _worked(order, partners.path, list(_jobs(rows, claim)), unfit):
        results.append(made)
        watch(len(results), len(rows))
    results.sort(key=lambda made: made.line)
    if unfit:  # it is wrong in the newsletter: said once, and not once for each partner
        problems = tuple(Problem(why, tool, language) for (language, tool), why in unfit.items())
        results.insert(0, Made(0, EVERY_PARTNER, problems=problems))
    _write_failures(order.out, [made for made in results if made.why])
    return results


_Job = tuple[int, dict[str, str], str]


def _jobs(rows: Sequence[_Job], claim: Claim) -> Iterator[_Job]:
    """Yield each row with its partner's code, or the reason why it can't be made."""
    seen: dict[str, int] = {}
    checked: list[_Job] = []
    for line, values, why in rows:
        if (name := name_key(values.get("name", ""))) and seen.setdefault(name, line) != line:
            why = why or f"The name {values['name']!r} is on line {seen[name]} already."
        checked.append((line, values, why))
    # A row that can't be used claims nothing.
    codes = iter(claim([values for _, values, why in checked if not why]))
    for line, values, why in checked:
        code, problem = ("", "") if why else next(codes)
        yield line, values | ({"code": code} if code else {}), why or problem


def _unfit(order: Order, rows: Sequence[_Job]) -> dict[tuple[str, str], str]:
    """Return why the newsletter itself can't be written for a tool, by language and dialect, of those asked for."""
    asked = {
        (edition.language, dialect.key): (edition, dialect)
        for _, values, _ in rows
        for edition in order.editions_for(values.get("language", ""))
        for dialect in each_dialect(values.get("for", "") or order.dialects)
        if isinstance(edition, Edition) and isinstance(dialect, Dialect)
    }
    tried = {edition.language: edition for edition, _ in asked.values()}
    materials = {
        code: gather(replace(edition, choices=replace(edition.choices, pictures=False)), None)
        for code, edition in tried.items()
    }
    found = {}
    for (language, tool), (_, dialect) in sorted(asked.items()):
        try:
            make_pack(materials[language], dialect)
        except InputError as error:
            found[language, tool] = f"{error.place}: {_said(error)}" if error.place else _said(error)
    return found


def _worked(order: Order, partners: Path, jobs: Sequence[_Job], unfit: _Unfit) -> Iterator[Made]:
    if len(jobs) < _WORTH_A_POOL:
        _begin(order, partners, unfit)
        yield from map(_one, jobs)
        return
    # Forked processes would share the database's connections; these start afresh.
    with ProcessPoolExecutor(
        max_workers=os.cpu_count(), mp_context=multiprocessing.get_context("spawn"), initializer=_begin,
        initargs=(order, partners, unfit),
    ) as pool:  # fmt: skip
        yield from pool.map(_one, jobs, chunksize=8)


_order: Order
_file: Path
_wrong: _Unfit
_handed: set[str]  # hashes of the pictures that this process has handed over: they are the same for most partners


def _begin(order: Order, partners: Path, unfit: _Unfit) -> None:
    global _order, _file, _wrong, _handed
    _order, _file, _wrong, _handed = order, partners, unfit, set()


def _one(job: _Job) -> Made:
    line, values, why = job
    name = values.get("name", "")
    if why:
        return Made(line, name, problems=(Problem(why),))
    try:
        made = make_for(_order, partner_of(values, _file.parent, Fail(_file, lambda key: line)), line, _wrong)
    except InputError as error:
        return Made(line, name, problems=(Problem(_said(error)),))
    images = tuple(image for image in made.images if image.hash not in _handed)
    _handed.update(image.hash for image in images)
    return replace(made, images=images)


def _write_failures(out: Path, failed: Sequence[Made]) -> None:
    target = out / FAILURES
    target.unlink(missing_ok=True)
    if not failed:
        return
    out.mkdir(parents=True, exist_ok=True)
    with replacing(target, encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("line", "name", "why", "tool", "language"))
        writer.writerows(
            guarded((str(made.line), made.name, each.why, each.tool, each.language))
            for made in failed
            for each in made.problems
        )
