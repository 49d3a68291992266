"""Previews: a newsletter as its readers would get it, in files that need neither a network nor a server.

The links by which people leave or look at their own mail lead nowhere in a preview.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from daisychain.atomic_files import PRIVATE, replacing
from daisychain.errors import InputError
from daisychain.slug import slug
from newsletters.browser.browser import Page
from newsletters.browser.screenshots import PICTURES, Sitting, taken
from newsletters.checks import Finding
from newsletters.compiled import CompiledEmail, Image
from newsletters.compose.compiler import Compilation
from newsletters.compose.languages import Languages
from newsletters.merge.merge import Merged, References, plan_merge
from newsletters.merge.message import Embedded, build_message
from newsletters.people import People
from newsletters.preview.page import PreviewedLanguage, PreviewedVariant, index_page
from newsletters.preview.variants import variants

INERT = "#"


@dataclass(frozen=True)
class Previewed:
    """The files of a preview by what they are, its pictures, and why some are missing (empty if all are there)."""

    files: Mapping[str, Path]
    pictures: Sequence[Path]
    why_no_pictures: str


@dataclass(frozen=True)
class Reader:
    """The person that a preview is made for: their values, or None; and the list that they are on."""

    member: Mapping[str, Any] | None = None
    people: People | None = None


def write_preview(
    languages: Languages,
    folder: Path,
    reader: Reader,
    findings: Sequence[Finding],
    *,
    public_url: str,
    pictures: Callable[[int, int], None] | None,
) -> Previewed:
    """Write index.html, the mail in each language as .html, .txt and .eml, and pictures of it, into `folder`.

    `pictures` is called with how many of how many are taken; None for no pictures. Raises InputError.
    """
    contents: dict[str, bytes] = {}
    editions, sittings = [], []
    for code, compilation in languages.compilations.items():
        # The first language's files have the names that everybody expects.
        stem = "newsletter" if compilation is languages.first else f"newsletter.{code}"
        edition, own = _edition(compilation, languages, reader, stem, public_url, contents)
        editions.append(edition)
        sittings += own
    shots, files, why = taken(sittings, pictures) if pictures else ({}, {}, "They were not asked for.")
    for edition in editions:
        for look in edition.looks:
            look.shots.extend(shots.get(look.stem, ()))
    contents |= files
    contents["index.html"] = index_page(editions, languages.first.document.file, findings, public_url, why).encode()
    _write_all(folder, contents)
    kinds = {"index": "index.html", "html": "newsletter.html", "text": "newsletter.txt", "eml": "newsletter.eml"}
    return Previewed(
        {kind: folder / name for kind, name in kinds.items()}, [folder / name for name in files], why
    )  # fmt: skip


def _edition(
    compilation: Compilation, languages: Languages, reader: Reader, stem: str, public_url: str,
    contents: dict[str, bytes],
) -> tuple[PreviewedLanguage, list[Sitting]]:  # fmt: skip
    """Return what the index shows of one language, and what to take pictures of; put its files into `contents`."""
    email, people = compilation.email, reader.people
    names = {image.hash: f"images/{_file_name(image)}" for image in email.images}
    contents |= {names[hash_]: compilation.image_contents[hash_] for hash_ in names}
    speakers = languages.people_for(people, email.language) if people else None
    looks: list[PreviewedVariant] = []
    sittings: list[Sitting] = []
    seen: set[tuple[str, str]] = set()
    for variant in variants(email, _member(languages, email, reader, speakers), speakers):
        mail = _merged(variant.email, names, variant.member, public_url)
        if (mail.subject, mail.html) in seen:
            continue
        seen.add((mail.subject, mail.html))
        own = f"{stem}.{variant.key}" if variant.key else stem
        contents[f"{own}.html"] = mail.html.encode()
        line = replace(variant.email, subject=email.preheader, html="", text="")
        preheader = _merged(line, {}, variant.member, public_url).subject
        looks.append(PreviewedVariant(own, variant.title, variant.words, mail.subject, preheader))
        sittings.append(Sitting(own, Page(mail.html, contents.get), all_modes=not variant.key))
        if not variant.key:
            text, member = mail.text, variant.member
    sender, reply_to = _from_whom(compilation, people)
    contents[f"{stem}.txt"] = text.encode()
    contents[f"{stem}.eml"] = _message(compilation, member, sender, reply_to, public_url)
    weight = len(contents[f"{stem}.html"])
    return PreviewedLanguage(email, looks, text, sender, reply_to, str(member.get("email") or ""), weight), sittings


def _member(
    languages: Languages, email: CompiledEmail, reader: Reader, speakers: People | None
) -> Mapping[str, Any] | None:
    """Return the values that a language shows: the reader's if they get it, or else somebody's who does."""
    if reader.member is None or speakers is None or len(languages.compilations) == 1:
        return reader.member
    given = languages.language_for(str(reader.member.get("language") or ""))
    return reader.member if given == email.language else speakers.sample() or reader.member


def _from_whom(compilation: Compilation, people: People | None) -> tuple[str, str]:
    """Return From, and Reply-To (empty if it is the same); made up if neither document nor list says."""
    email = compilation.email
    sender, reply_to = people.sender() if people else (f"{compilation.toolkit.brand.name} <newsletter@example.org>", "")
    return email.from_address or sender, email.reply_to or reply_to


def _merged(email: CompiledEmail, images: Mapping[str, str], member: Mapping[str, Any], public_url: str) -> Merged:
    references = References(
        link=lambda link: link.url,
        image=lambda image: images[image.hash],
        unsubscribe=INERT,
        view=INERT,
        preferences=INERT,
        public=public_url,
    )
    return plan_merge(email, references).render(member)


def _message(compilation: Compilation, member: Mapping[str, Any], sender: str, reply_to: str, public_url: str) -> bytes:
    email = compilation.email
    images = {image.hash: image for image in email.images}
    embedded = {hash_: f"cid:{_short(image)}" for hash_, image in images.items()}
    message = build_message(
        _merged(email, embedded, member, public_url),
        sender=sender,
        to=str(member.get("email") or "member@example.org"),
        reply_to=reply_to,
        images=[
            Embedded(_short(image), image.media_type, compilation.image_contents[hash_])
            for hash_, image in images.items()
        ],
    )
    return message.as_bytes()


def _write_all(folder: Path, contents: Mapping[str, bytes]) -> None:
    path = folder
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, content in contents.items():
            path = folder / name
            path.parent.mkdir(mode=0o700, exist_ok=True)
            # Only its owner may read it: a preview shows a person's data.
            with replacing(path, rights=PRIVATE) as file:
                file.write(content)
        for path in (folder / PICTURES).glob("newsletter*.png"):
            if f"{PICTURES}/{path.name}" not in contents:
                # Of an earlier preview, which showed something else.
                path.unlink()
    except OSError as error:
        raise InputError(f"The preview can't be written here: {error.strerror}.", file=path) from None


def _short(image: Image) -> str:
    # A name as long as a hash would be folded in its header, which not every mail program undoes.
    stem, ending = image.file_name.rsplit(".", 1)
    return f"{stem[:24]}.{ending}"


def _file_name(image: Image) -> str:
    """Return a name by which a person knows the picture, and which no two share."""
    stem, ending = image.file_name.rsplit(".", 1)
    name = slug(Path(image.name).stem) or "image"
    return f"{name}-{stem[:8]}.{ending}"
