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
from newsletters.packs.dialects.dialect import ALL, named_dialects
from newsletters.packs.edition import Edition
from newsletters.packs.material import gather
from newsletters.packs.pack import make_pack, save
from newsletters.packs.partner import Fail, Partner, partner_of, read_rows
from newsletters.packs.partner_codes import Claim, assign_codes, name_key
from newsletters.packs.screenshot import preview_of
from newsletters.toolkits.images import ToolkitImage

# Starting a process costs about a second: fewer partners than this are done sooner in this one.
_WORTH_A_POOL = 40
FAILURES = "failures.csv"


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

    def editions_for(self, partner: Partner | None) -> list[Edition]:
        """Return the editions in the languages asked for, or else in the newsletter's own; raises InputError."""
        asked = self.languages or (partner.languages if partner else "")
        codes = [code.strip() for code in asked.split(",") if code.strip()] or [next(iter(self.editions))]
        if codes == [ALL]:
            return list(self.editions.values())
        for code in codes:
            if code not in self.editions:
                raise InputError(
                    f"There is no newsletter in the language {code!r}.", hint=nearest(code, list(self.editions))
                )
        return [self.editions[code] for code in dict.fromkeys(codes)]


@dataclass(frozen=True)
class Made:
    """The result for one partner: the packs' rows and places, or why there are none."""

    line: int
    name: str
    rows: tuple[dict[str, Any], ...] = ()
    places: tuple[str, ...] = ()
    why: str = ""
    images: tuple[ToolkitImage, ...] = ()


def make_for(order: Order, partner: Partner | None, line: int = 0) -> Made:
    """Return the packs of one partner, or those without branding, written; raises InputError."""
    chosen = named_dialects(order.dialects or (partner.dialects if partner else ""))
    made = Made(line, partner.name if partner else "")
    for edition in order.editions_for(partner):
        material = gather(edition, partner)
        preview = preview_of(material) if edition.choices.pictures else b""
        packs = [make_pack(material, dialect, preview) for dialect in chosen]
        made = replace(
            made,
            places=(*made.places, *(str(save(pack, order.out, as_zip=order.as_zip)) for pack in packs)),
            rows=(*made.rows, *(pack.row for pack in packs)),
            images=(*made.images, *material.hosted_images),
        )
    return made


def make_many(
    order: Order, partners: Sheet, watch: Callable[[int, int], None], claim: Claim = assign_codes
) -> list[Made]:
    """Make the packs of each row of the sheet `partners`; `watch` gets how many of how many are done.

    `claim` gives the partners their codes.

    A row that fails is reported by its line and stops no other; only a sheet that can't be read raises InputError.
    """
    rows = list(read_rows(partners))
    watch(0, len(rows))
    results: list[Made] = []
    for made in _worked(order, partners.path, list(_jobs(rows, claim))):
        results.append(made)
        watch(len(results), len(rows))
    results.sort(key=lambda made: made.line)
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


def _worked(order: Order, partners: Path, jobs: Sequence[_Job]) -> Iterator[Made]:
    if len(jobs) < _WORTH_A_POOL:
        _begin(order, partners)
        yield from map(_one, jobs)
        return
    # Forked processes would share the database's connections; these start afresh.
    with ProcessPoolExecutor(
        max_workers=os.cpu_count(), mp_context=multiprocessing.get_context("spawn"), initializer=_begin,
        initargs=(order, partners),
    ) as pool:  # fmt: skip
        yield from pool.map(_one, jobs, chunksize=8)


_order: Order
_file: Path
_handed: set[str]  # hashes of the pictures that this process has handed over: they are the same for most partners


def _begin(order: Order, partners: Path) -> None:
    global _order, _file, _handed
    _order, _file, _handed = order, partners, set()


def _one(job: _Job) -> Made:
    line, values, why = job
    name = values.get("name", "")
    if why:
        return Made(line, name, why=why)
    try:
        made = make_for(_order, partner_of(values, _file.parent, Fail(_file, lambda key: line)), line)
    except InputError as error:
        return Made(line, name, why=f"{error.message} {error.hint}".strip())
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
        writer.writerow(("line", "name", "why"))
        writer.writerows(guarded((str(made.line), made.name, made.why)) for made in failed)
