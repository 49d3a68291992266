"""SVG logos: a few bytes that would take seconds to draw are refused before anything is drawn."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from daisychain.errors import InputError
from newsletters.logo_files.svg_logo import MOST_ELEMENTS, svg_as_png

CIRCLE = '<circle cx="45" cy="20" r="9"/>'


def svg(inside: str) -> bytes:
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 90 40">{inside}</svg>'.encode()


def doubled(times: int) -> str:
    """Groups of which each draws the one before it twice."""
    groups = (f'<g id="g{each}"><use href="#g{each - 1}"/><use href="#g{each - 1}"/></g>' for each in range(1, times))
    return f'<g id="g0">{CIRCLE}</g>{"".join(groups)}'


def masked(times: int) -> str:
    """Masks of which each is masked twice by the one before it."""
    masks = (
        f'<mask id="m{each}">{CIRCLE.replace("/>", f""" mask="url(#m{each - 1})"/>""") * 2}</mask>'
        for each in range(1, times)
    )
    return f'<mask id="m0">{CIRCLE}</mask>{"".join(masks)}'


@pytest.fixture
def nothing_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    def draw(*_: Any, **__: Any) -> None:
        pytest.fail("This was drawn.")

    monkeypatch.setattr(subprocess, "run", draw)


@pytest.mark.parametrize(
    "inside",
    [
        '<filter id="f"><feTurbulence numOctaves="99999" baseFrequency="0.9"/></filter><rect filter="url(#f)"/>',
        '<rect filter="blur(500)"/>', '<rect style="fill:red; filter : blur(500px)"/>',
        "<style>rect{filter/* */:blur(500px)}</style><rect/>",
        f"<style>{' ' * 8_188}filter:blur(500px)</style>",
    ],
    ids=["element", "function", "style", "style sheet", "long style sheet"],
)  # fmt: skip
@pytest.mark.usefixtures("nothing_is_drawn")
def test_an_svg_with_filters_is_refused(inside: str) -> None:
    with pytest.raises(InputError, match="filters"):
        svg_as_png(svg(inside))


@pytest.mark.parametrize(
    "inside",
    [
        CIRCLE * MOST_ELEMENTS, doubled(12), masked(13), "<g>" * 101 + "</g>" * 101,
        '<g id="g0"/>' + "".join(f'<g id="g{each}"><use href="#g{each - 1}"/></g>' for each in range(2_000, 0, -1)),
    ],
    ids=["many", "use", "masks", "deep", "chain"],
)  # fmt: skip
@pytest.mark.usefixtures("nothing_is_drawn")
def test_an_svg_that_draws_too_much_is_refused(inside: str) -> None:
    with pytest.raises(InputError, match="5,000 elements"):
        svg_as_png(svg(inside))


def test_filters_that_nothing_uses_many_gradients_and_parts_drawn_again_are_no_reason_to_refuse() -> None:
    gradient = f'<linearGradient id="a">{"<stop/>" * 100}</linearGradient>'
    filters = '<filter id="f"><feBlend/></filter><style>circle{filter:none;color-interpolation-filters:sRGB}</style>'
    shapes = CIRCLE.replace("/>", ' fill="url(#a)" filter="none"/>') * 500
    assert svg_as_png(svg(filters + gradient + shapes + doubled(4))).startswith(b"\x89PNG")


def test_an_svg_that_refers_to_itself_is_read_once() -> None:
    assert svg_as_png(svg(f'<g id="a"><use href="#a"/></g>{CIRCLE}')).startswith(b"\x89PNG")
