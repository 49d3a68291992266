"""Images: whether each picture is sharp, small enough, and of a kind that every mail program shows."""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import lru_cache

from PIL import Image as Pillow
from selectolax.lexbor import LexborNode

from newsletters.checks.accessibility import image_of
from newsletters.checks.appearance import appearances, pixels, styles_of
from newsletters.checks.client_support import formats
from newsletters.checks.finding import Code, Finding, Subject
from newsletters.compiled import Image
from newsletters.toolkits.contrast import contrast

# Our own bounds: two seconds for one picture, and ten for all, at the 100 kB a second of a poor mobile network.
MOST_BYTES = 200_000
MOST_BYTES_TOGETHER = 1_000_000
# Pixels for each px shown: phones have two or three, and under one and a half it shows.
SHARP, MOST_NEEDED = 1.5, 2.2
# Contrast under which a shape is hardly seen (WCAG asks for 3), and how much of a picture's ink may have so little.
LEAST_CONTRAST, MOST_LIKE_GROUND = 1.8, 0.3
# Pixels looked at on each side; what is as clear as glass; and how full a picture is that has a ground of its own.
_SAMPLES, _CLEAR, _MOST_INK = 96, 100, 0.95
# A mail with a picture at least this wide and fewer words than this is a picture.
FEWEST_WORDS, WIDE = 25, 300

HEAVY = Code(
    "images-heavy", "warning", f"A picture of more than {MOST_BYTES // 1000} kB",
    why="On a phone with poor reception it loads late or not at all, and readers pay for the data.",
    fix="Save it as JPEG of lower quality, with fewer frames if it is animated, or crop it.",
)  # fmt: skip
WEIGHT = Code(
    "images-weight", "warning", f"Pictures of more than {MOST_BYTES_TOGETHER // 1_000_000} MB together",
    why="On a phone with poor reception the mail stays half empty.", fix="Leave out pictures, or use smaller files.",
)  # fmt: skip
WIDE_PICTURE = Code(
    "images-too-wide", "warning", "A picture wider than any screen needs",
    why="Twice its width on the page is as sharp as screens are; more only makes it larger.",
    fix="Save it at twice the width at which it is shown. Animated ones are not resized for you.",
)  # fmt: skip
UNSHARP = Code(
    "images-unsharp", "hint", "A picture too small to be sharp",
    why="Most phones show two pixels for each of its own, as if out of focus.",
    fix="Use one that is twice as wide as it is shown.",
)  # fmt: skip
FORMAT = Code(
    "images-format", "warning", "A picture of a type that some mail programs don't show",
    why="Their readers see an empty frame with the alt text.", fix="Save it as PNG or JPEG, or GIF if animated.",
)  # fmt: skip
ANIMATED = Code(
    "images-animated", "hint", "An animated picture",
    why="Outlook for Windows shows its first frame only, and endless movement disturbs reading.",
    fix="Put the whole message in the first frame, and end the movement after five seconds.",
)  # fmt: skip
NO_WIDTH = Code(
    "images-no-width", "warning", "A picture without a width",
    why="Outlook for Windows shows it at its full size, twice as large as meant, and the page breaks.",
    fix='Give the <img> of the block width="…" in px, as well as its style.',
)  # fmt: skip
ONLY = Code(
    "images-only", "warning", "Hardly any text beside a picture",
    why="Without pictures there is nothing to read; it can't be translated, and filters distrust it.",
    fix="Write what the picture says as text.",
)  # fmt: skip
VANISHES = Code(
    "images-vanishes", "warning", "A picture that vanishes on light or dark screens",
    why="What can be seen through it is the mail's ground: dark signs on nothing can't be seen on a dark screen.",
    fix="Give it a ground: ::: image name plate=white, or plate=dark; for a logo, the brand has 'logo plate'.",
)  # fmt: skip


def check(subject: Subject) -> Iterator[Finding]:
    """Yield findings about pictures."""
    shown = [(node, image) for node in subject.tree.css("img") if (image := image_of(subject, node))]
    for node in subject.tree.css("img"):
        if not (pixels(node.attributes.get("width") or "") or (node.attributes.get("width") or "").isdigit()):
            yield NO_WIDTH.at(subject.place(node), f"A picture has no width: {subject.plain(node.html or '')[:80]}")
    reported = set()
    for node, image in shown:
        if image.hash not in reported:
            reported.add(image.hash)
            yield from _file(subject, node, image)
        yield from _size(subject, node, image)
    yield from _vanishing(subject, shown)
    weight = sum(len(subject.image_contents[hash_]) for hash_ in reported)
    if weight > MOST_BYTES_TOGETHER:
        yield WEIGHT.at(subject.document.file, f"The pictures have {weight / 1_000_000:.1f} MB together.")
    yield from _only(subject, shown)


def _file(subject: Subject, node: LexborNode, image: Image) -> Iterator[Finding]:
    content, place = subject.image_contents[image.hash], subject.place(node, image.name)
    if len(content) > MOST_BYTES:
        yield HEAVY.at(place, f"The picture {image.name!r} has {len(content) // 1000:,} kB.")
    if lacking := formats().get(image.media_type):
        yield FORMAT.at(place, f"The picture {image.name!r} is {image.media_type}; not shown by {', '.join(lacking)}.")
    if _moves(content):
        yield ANIMATED.at(place, f"The picture {image.name!r} is animated.")


def _size(subject: Subject, node: LexborNode, image: Image) -> Iterator[Finding]:
    shown = _shown_width(node)
    if shown and image.width > MOST_NEEDED * shown:
        yield WIDE_PICTURE.at(
            subject.place(node, image.name), f"{image.name!r} is {image.width} px wide, and shown at {shown:.0f}."
        )
    elif shown and image.width < SHARP * shown:
        yield UNSHARP.at(
            subject.place(node, image.name), f"{image.name!r} is {image.width} px wide, and shown at {shown:.0f}."
        )


def _vanishing(subject: Subject, shown: list[tuple[LexborNode, Image]]) -> Iterator[Finding]:
    """Yield each picture once of which a good part is as dark, or as light, as what is behind it."""
    reported = set()
    for screen in ("light", "dark"):
        seen = appearances(subject.tree, dark=screen == "dark")
        for node, image in shown:
            look = seen[node.mem_id]
            if image.hash in reported or not look.shown:
                continue
            if _share_like(subject.image_contents[image.hash], look.ground) > MOST_LIKE_GROUND:
                reported.add(image.hash)
                message = (
                    f"Much of the picture {image.name!r} can't be seen on {screen} screens: {look.ground} is behind it."
                )
                yield VANISHES.at(subject.place(node, image.name), message)


@lru_cache(maxsize=256)  # the pictures of a newsletter, in its languages and brands
def _share_like(content: bytes, ground: str) -> float:
    """Return the share of a picture's ink that has no contrast to `ground`; 0 if nothing can be seen through it."""
    with Pillow.open(io.BytesIO(content)) as opened:
        if not opened.has_transparency_data:
            return 0
        picture = opened.convert("RGBA")
    picture.thumbnail((_SAMPLES, _SAMPLES), Pillow.Resampling.NEAREST)
    samples = [picture.getpixel((x, y)) for x in range(picture.width) for y in range(picture.height)]
    ink = [f"#{bytes(each[:3]).hex()}" for each in samples if isinstance(each, tuple) and each[3] > _CLEAR]
    if len(ink) > _MOST_INK * len(samples):
        return 0
    return sum(contrast(colour, ground) < LEAST_CONTRAST for colour in ink) / max(1, len(ink))


def _only(subject: Subject, shown: list[tuple[LexborNode, Image]]) -> Iterator[Finding]:
    wide = [(node, image) for node, image in shown if (_shown_width(node) or 0) >= WIDE]
    if not wide:
        return
    if (words := _own_words(subject)) < FEWEST_WORDS:
        node, image = wide[0]
        yield ONLY.at(subject.place(node, image.name), f"Beside the picture {image.name!r} there are {words} words.")


def _own_words(subject: Subject) -> int:
    """Return how many words the mail has, without its layout's."""
    body, layout = subject.tree.body, subject.document.place("layout")
    texts = [node for node in (body.traverse(include_text=True) if body else ()) if node.is_text_node]
    return sum(len(subject.plain(node.text_content or "").split()) for node in texts if subject.place(node) != layout)


def _shown_width(node: LexborNode) -> float | None:
    given = node.attributes.get("width") or ""
    return float(given) if given.isdigit() else pixels(styles_of(node).get("width", ""))


def _moves(content: bytes) -> bool:
    with Pillow.open(io.BytesIO(content)) as picture:
        return picture.format in ("GIF", "WEBP", "PNG") and bool(getattr(picture, "is_animated", False))
