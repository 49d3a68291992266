"""Brand: names, colours, font, logo and footer, resolved to plain values when a toolkit is read.

Mail clients know no CSS variables, and nobody should have to read pale grey on white: colours become hex
here, those not given follow from those that were, and text under 4.5:1 (WCAG 2.2, 1.4.3) is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from daisychain.errors import InputError
from daisychain.suggestions import nearest
from newsletters.documents.text_files import decoded, read_text
from newsletters.documents.yaml_with_lines import YamlMapping, read_sheet
from newsletters.toolkits.contrast import nearest_readable, parse_colour, readable, too_faint
from newsletters.toolkits.images import ToolkitImage, image_among, read_image

SYSTEM_FONT = "-apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"

DEFAULT_COLOURS: Mapping[str, str] = {
    "primary": "#1f5f4f",
    "accent": "#b3541e",
    "background": "#f4f1ea",
    "surface": "#ffffff",
    "text": "#22302b",
    "muted": "#5b6762",
    "link": "#1f5f4f",
    "border": "#dcd8cd",
}
# These are read as text: each must stand out from both the page and the surface on it.
_READ = ("text", "muted", "link")
_KEYS = ("name", "colours", "font", "heading font", "logo", "dark logo", "logo plate", "radius", "footer")
_FOOTER_KEYS = ("organisation", "address", "charity number", "social")


@dataclass(frozen=True)
class Footer:
    """The sender: their name, the lines of their postal address, and their other sites (name to URL).

    `why` says why readers get the mail, if they are on no mailing list.
    """

    organisation: str = ""
    address: str = ""
    charity_number: str = ""
    social: Mapping[str, str] = field(default_factory=dict)
    why: str = ""

    @property
    def address_lines(self) -> list[str]:
        """The lines of the address."""
        return self.address.splitlines()


@dataclass(frozen=True)
class Brand:
    """The look of a mail or page; colours are `#rrggbb`, `radius` is in px.

    `dark_logo` is for dark screens; `logo_plate` (white, dark or nothing) is behind the logo on every screen. A
    partner's brand names the coalition as its `lead`, whose logo is shown beside its own, and may have an `intro`: a
    paragraph of its own words, in Markdown without fields, after the opening. Its main `button` may lead elsewhere, and
    stories with the titles `left_out` are not shown.
    """

    name: str
    colours: Mapping[str, str] = field(default_factory=lambda: dict(DEFAULT_COLOURS))
    font: str = SYSTEM_FONT
    heading_font: str = ""
    logo: ToolkitImage | None = None
    dark_logo: ToolkitImage | None = None
    logo_plate: str = ""
    radius: int = 8
    footer: Footer = field(default_factory=Footer)
    lead: Brand | None = None
    intro: str = ""
    button: str = ""
    left_out: tuple[str, ...] = ()

    def text_on(self, colour: str) -> str:
        """Return the colour of text on `colour`: white, the brand's text or black, the first that can be read."""
        for candidate in ("#ffffff", self.colours["text"]):
            if readable(candidate, [colour]):
                return candidate
        return "#000000"  # white fell short, and no colour is near to both white and black


# Given a path as the brand's file names it, and the line that does: the picture there.
ReadPicture = Callable[[str, int], ToolkitImage]


def read_brand(
    sheet: YamlMapping | None, *, name: str, images: Mapping[str, ToolkitImage], read: ReadPicture | None = None
) -> Brand:
    """Return the brand that `sheet` describes, the rest by default; raises InputError with file and line.

    A logo is one of `images` or, if `read` is given, a file that it can read.
    """
    if sheet is None:
        return Brand(name=name, footer=Footer(organisation=name))
    sheet.allow(_KEYS, "A brand")
    own_name = sheet.text("name", name)
    return Brand(
        name=own_name,
        colours=_read_colours(sheet.sheet("colours")),
        font=_read_font(sheet, "font", SYSTEM_FONT),
        heading_font=_read_font(sheet, "heading font", ""),
        logo=_read_logo(sheet, "logo", images, read),
        dark_logo=_read_logo(sheet, "dark logo", images, read),
        logo_plate=_read_plate(sheet),
        radius=_read_radius(sheet),
        footer=_read_footer(sheet.sheet("footer"), own_name),
    )


def read_brand_file(path: Path) -> Brand:
    """Return the brand in the file `path`; its logos are files beside it. Raises InputError with file and line."""
    text = read_text(path, "There is no brand")
    return _brand_in(text, str(path), lambda name, line: read_image(path.parent, name, name, file=path, line=line))


def read_brand_among(files: Mapping[str, bytes], path: str, place: str) -> Brand:
    """Return the brand in the file `path` of `files`, which `place` asks for; raises InputError."""
    if path not in files:
        raise InputError(f"There is no brand {path!r}.", file=place)

    def beside(name: str, line: int) -> ToolkitImage:
        return image_among(files, str(PurePosixPath(path).parent / name), file=path, line=line)

    return _brand_in(decoded(files[path], path), path, beside)


def _brand_in(text: str, file: str, read: ReadPicture) -> Brand:
    sheet = read_sheet(text, file)
    return read_brand(sheet, name=sheet.text("name"), images={}, read=read)


def _read_colours(sheet: YamlMapping | None) -> dict[str, str]:
    if sheet is None:
        return dict(DEFAULT_COLOURS)
    sheet.allow(DEFAULT_COLOURS, "The colours")
    given = {key: _read_colour(sheet, key) for key in sheet}
    colours = {**DEFAULT_COLOURS, **given}
    if "primary" in given and "link" not in given:
        colours["link"] = given["primary"]
    grounds = (colours["surface"], colours["background"])
    for key in _READ:
        shade = nearest_readable(colours[key], grounds)
        if shade is None:
            sheet.fail(
                f"No shade of {key!r} ({colours[key]}) can be read on both the surface {grounds[0]} and the "
                f"background {grounds[1]}.", key if key in given else "background",
                hint="Bring surface and background nearer to each other.",
            )  # fmt: skip
        if shade != colours[key] and key in given:
            sheet.fail(
                f"The colour {key!r} ({colours[key]}) {too_faint(colours[key], grounds)}", key,
                hint=f'The nearest that passes is "{shade}".',
            )  # fmt: skip
        colours[key] = shade
    return colours


def _read_colour(sheet: YamlMapping, key: str) -> str:
    value = sheet.text(key)
    found = parse_colour(value)
    if not found:
        sheet.fail(f"{value!r} is not a colour, or has transparency.", key, hint='Write it as "#1f5f4f".')
    return found


def _read_logo(
    sheet: YamlMapping, key: str, images: Mapping[str, ToolkitImage], read: ReadPicture | None
) -> ToolkitImage | None:
    name = sheet.text(key, "")
    if not name or name in images:
        return images.get(name)
    if read is None or "." not in name:
        sheet.fail(f"The logo {name!r} is not among the images.", key, hint=nearest(name, images))
    return read(name, sheet.line_of(key))


def _read_plate(sheet: YamlMapping) -> str:
    plate = sheet.text("logo plate", "")
    if plate not in ("", "white", "dark"):
        sheet.fail(f"The logo plate can't be {plate!r}.", "logo plate", hint="Write white or dark, or leave it out.")
    return plate


def _read_font(sheet: YamlMapping, key: str, default: str) -> str:
    font = sheet.text(key, default)
    # It ends up inside style attributes: a quote or a brace there would be markup.
    if any(sign in font for sign in '"<>{};&\\\n'):
        sheet.fail("The font must be names with commas between.", key, hint=f"For example: {SYSTEM_FONT}")
    return font


def _read_radius(sheet: YamlMapping) -> int:
    value = sheet.text("radius", "8").removesuffix("px").strip()
    if not (value.isascii() and value.isdigit() and len(value) < 9 and int(value) <= 40):
        sheet.fail(f"The radius must be a whole number of pixels from 0 to 40, not {value!r}.", "radius")
    return int(value)


def _read_footer(sheet: YamlMapping | None, name: str) -> Footer:
    if sheet is None:
        return Footer(organisation=name)
    sheet.allow(_FOOTER_KEYS, "A footer")
    return Footer(
        organisation=sheet.text("organisation", name),
        address="\n".join(line.strip() for line in sheet.text("address", "").splitlines() if line.strip()),
        charity_number=sheet.text("charity number", ""),
        social={key: social.url(key) for key in social} if (social := sheet.sheet("social")) else {},
    )
