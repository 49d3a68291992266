"""`make bench`: every benchmark of this folder, a table of its figures, and a JSON file of each in results/."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys

import benchmarks
from benchmarks.stage import Figure
from commands.console import show_table

NOT_MEASURES = {"__main__", "stage", "sink", "large_house"}


def main() -> None:
    """Run each in a process of its own, so that they share no memory and no caches."""
    names = sorted(item.name for item in pkgutil.iter_modules(benchmarks.__path__) if item.name not in NOT_MEASURES)
    for name in sys.argv[1:] or names:
        sys.stderr.write(f"{name} …\n")
        code = f"from benchmarks.__main__ import run; run({name!r})"
        subprocess.run([sys.executable, "-c", code], check=True)


def run(name: str) -> None:
    """Run one benchmark and show its figures."""
    figures: list[Figure] = importlib.import_module(f"benchmarks.{name}").main()
    show_table(
        ("step", "amount", "seconds", "a second", "CPU s", "peak MB", "to reach"), [_row(each) for each in figures]
    )


def _row(figure: Figure) -> list[object]:
    cpu = "" if figure.cpu_seconds is None else f"{figure.cpu_seconds:.2f}"
    peak = "" if figure.peak_megabytes is None else f"{figure.peak_megabytes:.0f}"
    return [figure.step, figure.amount, f"{figure.seconds:.1f}", round(figure.rate), cpu, peak, figure.to_reach]


if __name__ == "__main__":
    main()
