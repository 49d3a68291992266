"""Partner packs for 1,000 organisations from one CSV, each with its own logo, intro and colour; without pictures."""

from __future__ import annotations

import csv
import resource
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image, ImageDraw

from benchmarks.stage import Figure, written
from newsletters.compose.starter import start_newsletter
from newsletters.documents.document import read_document
from newsletters.packs.bulk import Order, make_many
from newsletters.packs.edition import Choices, open_edition
from newsletters.toolkit_store.store import shipped_toolkit

PARTNERS = 1_000
TOOLS = ("mailchimp", "brevo", "outlook", "dotdigital", "ghost")
ACCENTS = ("#7a1f5c", "#0b5394", "#38761d", "#a61c00")
TOOLKIT = "community-makes-us"


def main(partners: int = PARTNERS) -> list[Figure]:
    """Make the packs of the bulletin that `newsletter new` writes."""
    with tempfile.TemporaryDirectory(prefix="daisychain-packs") as folder:
        sheet = write_partners(Path(folder), partners)
        document = Path(folder, "may.md")
        start_newsletter(document, shipped_toolkit(TOOLKIT), TOOLKIT, "bulletin")
        edition = open_edition(read_document(document), shipped_toolkit(TOOLKIT), Choices("https://news.coalition.org"))
        wall, used = time.perf_counter(), cpu_seconds()
        made = make_many(
            Order({"en": edition}, "", "", Path(folder, "out"), as_zip=True), sheet, lambda done, total: None
        )
        seconds, used = time.perf_counter() - wall, cpu_seconds() - used
        zips = list(Path(folder, "out").glob("*.zip"))
        if any(each.why for each in made) or len(zips) != partners:
            raise SystemExit(f"{len(zips)} packs for {partners} partners.")
    figure = Figure("partner packs, one for each, zipped", partners, seconds, "1,000 in 30 s", cpu_seconds=used)
    written("packs", [figure])
    return [figure]


def write_partners(folder: Path, partners: int) -> Path:
    """A CSV of invented partners, and a logo for each with wide margins."""
    sheet = folder / "partners.csv"
    with sheet.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("name", "for", "logo", "intro", "accent", "reply", "website", "address"))
        for number in range(partners):
            logo = Image.new("RGB", (480, 200), "white")
            ImageDraw.Draw(logo).ellipse((40, 20, 140 + number % 300, 180), fill=ACCENTS[number % len(ACCENTS)])
            logo.save(folder / f"logo{number}.png")
            rows.writerow(
                (f"Partner {number}", TOOLS[number % len(TOOLS)], f"logo{number}.png",
                 f"We are partner **{number}**, and we join in this month.", ACCENTS[number % len(ACCENTS)],
                 f"hello@partner{number}.org", f"https://partner{number}.org/", f"{number} High Street / Bath")
            )  # fmt: skip
    return sheet


def cpu_seconds() -> float:
    """CPU of this process and of those that it started and that have ended."""
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in both)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else PARTNERS)
