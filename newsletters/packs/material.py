"""Material: the parts that all packs of one partner share, for any tool."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path

import yaml

from daisychain.errors import InputError
from daisychain.slug import slug
from newsletters.compiled import Image, Link
from newsletters.compose.compiler import Compilation
from newsletters.packs.dialect_writer import Wording, Written, write
from newsletters.packs.dialects.dialect import Dialect, dialects
from newsletters.packs.edition import Edition, branded, marking
from newsletters.packs.eml_draft import draft
from newsletters.packs.partner import YOUR_ADDRESS, Partner
from newsletters.packs.partner_links import Marking
from newsletters.packs.paste_files import without_parts
from newsletters.packs.social_posts import social_files
from newsletters.tokens import Kind
from newsletters.toolkit_store.showcase import CopyToPaste, Showcase, showcase
from newsletters.toolkit_store.website_code import story_code
from newsletters.toolkits.images import ToolkitImage, image_path


@dataclass(frozen=True)
class Material:
    """One edition in one partner's brand, and the files made from it."""

    edition: Edition
    partner: Partner | None
    compilation: Compilation
    mark: Marking
    names: Mapping[str, str] = field(repr=False)

    def write(self, dialect: Dialect, folder: str = "images/") -> Written:
        """Return the newsletter in `dialect`, its pictures in `folder` or, if that was chosen, hosted."""
        return write(self.compilation.email, dialect, self.wording(dialect, folder))

    def write_simple(self, dialect: Dialect, folder: str = "images/") -> Written:
        """Return the newsletter without layout in `dialect`: a plain page, and text in parts."""
        assert self.compilation.simple
        return write(self.compilation.simple, dialect, self.wording(dialect, folder))

    def wording(self, dialect: Dialect, folder: str = "images/") -> Wording:
        """Return how to write links, pictures and the postal address; raises InputError if an address is missing."""
        public = self.edition.choices.public_url
        hosted = self.edition.choices.hosted and not folder.startswith("cid:")
        mint = self.compilation.email.mint

        def link(row: Link) -> str:
            return self.mark.marked(row.url.replace(mint.write(Kind.PUBLIC), public))

        def image(row: Image) -> str:
            return f"{public}{image_path(row.hash, row.media_type)}" if hosted else folder + self.names[row.hash]

        return Wording(link, image, public, self._address(dialect), self.edition.choices.otherwise)

    @cached_property
    def files(self) -> dict[str, bytes]:
        """The files that are the same in each of the partner's packs, by path."""
        texts = self._copy() | {"source/brand.yml": self._brand_file()}
        files = {path: text.encode() for path, text in texts.items()}
        files |= {f"images/{name}": content for name, content in self.pictures.items()}
        files["images/alt-texts.txt"] = self._alt_texts().encode()
        return files

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about what is wrong, or was changed, in the partner's own brand."""
        if not self.partner:
            return ()
        notes, brand = list(self.partner.notes), self.compilation.toolkit.brand
        wanted, used = self.partner.accent, brand.colours["accent"]
        if wanted and wanted != used:
            notes.append(
                f"The colour {wanted} is hard to read on this page: links have {used}, the nearest that is not."
            )
        if brand.logo_plate:
            notes.append(
                f"The logo is as {'pale' if brand.logo_plate == 'dark' else 'dark'} as the page, so it has a "
                f"{brand.logo_plate} plate behind it. It looks better in a version for such backgrounds."
            )
        return tuple(notes)

    @property
    def foreign(self) -> list[str]:
        """The folders that have copy in English, though the newsletter is in another language."""
        words, posts, page = self._texts
        found = {"copy/": words, "social/": posts, "website/": page}
        return [folder for folder, pieces in found.items() if any(map(self._foreign, pieces))]

    @property
    def pictures(self) -> dict[str, bytes]:
        """The pictures by the names of their files."""
        return {name: self.compilation.image_contents[hash_] for hash_, name in self.names.items()}

    @property
    def hosted_images(self) -> tuple[ToolkitImage, ...]:
        """The pictures that the coalition has to serve for these packs."""
        return self.compilation.images if self.edition.choices.hosted else ()

    @cached_property
    def draft(self) -> bytes:
        """The mail as a draft for a mailbox; empty if the newsletter shows parts to some people only."""
        outlook = dialects()["outlook"]
        try:
            written, page = self.write(outlook, "cid:"), without_parts(self.write_simple(outlook, "cid:").html)
        except InputError:
            return b""
        pictures = {name: content for name, content in self.pictures.items() if f'"cid:{name}"' in page}
        return draft(written.subject, page, self.marked(written.text), pictures, self.compilation.email.reply_to)

    def _address(self, dialect: Dialect) -> str:
        if self.partner is None:
            return YOUR_ADDRESS
        if not (self.partner.address or dialect.address or dialect.address_by_tool):
            file, _, line = self.partner.place.rpartition(":")
            raise InputError(
                f"{self.partner.name} has no postal address, and {dialect.name} adds none by itself.",
                file=file, line=int(line), hint="Add a line: address. Newsletters have to say where their sender is.",
            )  # fmt: skip
        return self.partner.address

    def _copy(self) -> dict[str, str]:
        """Return short and long copy, posts, and a snippet for a website, from the toolkit's own copy."""
        words, social, page = self._texts
        texts = {
            f"copy/{size}.txt": self.marked(
                "\n\n".join(self._titled(piece) for piece in words if piece.block.length == size)
            )
            for size in ("short", "long")
        }
        posts = social_files([(self.marked(piece.text), self._about(piece)) for piece in social])
        texts |= {f"social/{name}": text for name, text in posts.items()}
        if page:
            texts["website/snippet.html"] = self._snippet(page[0])
        return {path: text for path, text in texts.items() if text.strip()}

    @cached_property
    def _texts(self) -> tuple[list[CopyToPaste], list[CopyToPaste], list[CopyToPaste]]:
        """The pieces of copy, the posts, and the first short piece for a website, if there is one."""
        email, web, social = (self._pieces(channel) for channel in ("email", "web", "social"))
        words = {piece.block.id: piece for piece in (*email, *web)}
        return list(words.values()), social, sorted(web, key=lambda piece: piece.block.length == "long")[:1]

    def _pieces(self, channel: str) -> list[CopyToPaste]:
        """Return the toolkit's copy for a channel, each piece in the newsletter's language if it was translated."""
        return _shown(self.edition).pieces(channel, self.edition.language)

    def _foreign(self, piece: CopyToPaste) -> bool:
        return self.edition.is_foreign(piece.block.body)

    def _about(self, piece: CopyToPaste) -> list[str]:
        until = [f"until {piece.block.expires:%d %B %Y}"] if piece.block.expires else []
        return ["in English", *until] if self._foreign(piece) else until

    def _titled(self, piece: CopyToPaste) -> str:
        about = ", ".join(self._about(piece))
        title = f"{piece.block.title} ({about})" if about else piece.block.title
        return f"{title}\n{'-' * len(title)}\n\n{piece.text}\n"

    def _snippet(self, piece: CopyToPaste) -> str:
        """Return a piece of a page in plain HTML, which the website's own style sheet dresses."""
        language = "en" if self._foreign(piece) else ""
        return self.marked(story_code(piece, _shown(self.edition), self.edition.language, language), html=True)

    def marked(self, text: str, *, html: bool = False) -> str:
        """Return `text` with the partner's code in each address."""
        return self.mark.in_text(text, html=html)

    def _alt_texts(self) -> str:
        rows = {image.hash: image for image in self.compilation.email.images}
        return "\n".join(
            f"{name}\n  {rows[hash_].alt or '(none: it only decorates)'}\n" for hash_, name in self.names.items()
        )

    def _brand_file(self) -> str:
        brand = self.compilation.toolkit.brand
        footer = {
            "organisation": brand.footer.organisation,
            "address": self.partner.address if self.partner else YOUR_ADDRESS,
        }
        if brand.footer.charity_number:
            footer["charity number"] = brand.footer.charity_number
        content = {
            "name": brand.name,
            "colours": dict(brand.colours),
            "font": brand.font,
            "radius": brand.radius,
            "footer": footer,
        }
        return yaml.safe_dump(content, sort_keys=False, allow_unicode=True)


def gather(edition: Edition, partner: Partner | None, *, simple: bool = True) -> Material:
    """Return the material of `partner`, or that without branding; raises InputError. Packs need its `simple` form."""
    compilation = branded(edition, partner, simple=simple)
    return Material(edition, partner, compilation, marking(edition, partner), _names(compilation))


def _names(compilation: Compilation) -> dict[str, str]:
    """Return a file name for each picture that a person knows again."""
    names: dict[str, str] = {}
    for image in compilation.email.images:
        ending = image.file_name.rpartition(".")[2]
        stem = slug(Path(image.name).stem) or "picture"
        if image.hash not in names:
            taken = f"{stem}.{ending}" in names.values()
            names[image.hash] = f"{stem}-{image.hash[:6]}.{ending}" if taken else f"{stem}.{ending}"
    return names


_last: list[tuple[tuple[str, str, date], Showcase]] = []


def _shown(edition: Edition) -> Showcase:
    """Return the toolkit's copy, read once for all the partners of an edition."""
    key = (edition.toolkit.content_hash, edition.choices.public_url, edition.today)
    if not _last or _last[0][0] != key:
        _last[:] = [(key, showcase(edition.toolkit, edition.choices.public_url, edition.today))]
    return _last[0][1]
