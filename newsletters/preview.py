"""Previews: a newsletter as one person would get it, in files that need neither a network nor a server.

The links by which people leave or look at their own mail lead nowhere in a preview.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from daisychain.errors import InputError
from newsletters.compiled import CompiledEmail, Image
from newsletters.compiler import Compilation
from newsletters.merge import References, plan_merge
from newsletters.message import Embedded, build_message

INERT = "#"
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def write_preview(
    compilation: Compilation, folder: Path, member: Mapping[str, Any] | None, *, sender: str, public_url: str
) -> dict[str, str]:
    """Write newsletter.html, .txt and .eml into `folder` and give their paths; without a member, defaults show."""
    email = compilation.email
    member = member or {}
    names = _image_names(email)
    page = plan_merge(email, _references(names, public_url)).render(member, "")
    embedded = {image.hash: f"cid:{_short(image)}" for image in email.images}
    mail = plan_merge(email, _references(embedded, public_url)).render(member, "")
    message = build_message(
        mail,
        sender=email.from_address or sender,
        to=str(member.get("email") or "member@example.org"),
        reply_to=email.reply_to,
        images=[
            Embedded(_short(image), image.media_type, compilation.image_contents[image.hash])
            for image in {image.hash: image for image in email.images}.values()
        ],
    )
    files = {"html": folder / "newsletter.html", "text": folder / "newsletter.txt", "eml": folder / "newsletter.eml"}
    contents = {folder / names[hash_]: compilation.image_contents[hash_] for hash_ in names}
    contents |= {files["html"]: page.html.encode(), files["text"]: page.text.encode(), files["eml"]: message.as_bytes()}
    path = folder
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path, content in contents.items():
            _write(path, content)
    except OSError as error:
        raise InputError(f"The preview can't be written here: {error.strerror}.", file=path) from None
    return {kind: str(path) for kind, path in files.items()}


def _write(path: Path, content: bytes) -> None:
    """Put `content` at `path` for its owner alone: a preview shows what is known of a person."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    # A new file in place of what is there: writing into that would follow a link and keep others' right to read.
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".preview-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(temporary).replace(path)
    finally:
        Path(temporary).unlink(missing_ok=True)


def _references(images: Mapping[str, str], public_url: str) -> References:
    return References(
        link=lambda link: link.url,
        image=lambda image: images[image.hash],
        unsubscribe=INERT,
        view=INERT,
        public=public_url,
    )


def _image_names(email: CompiledEmail) -> dict[str, str]:
    """A file for each picture, named so that a person knows it and no two fall together."""
    return {image.hash: f"images/{_file_name(image)}" for image in email.images}


def _short(image: Image) -> str:
    # A name as long as a hash would be folded in its header, which not every mail program undoes.
    stem, ending = image.file_name.rsplit(".", 1)
    return f"{stem[:24]}.{ending}"


def _file_name(image: Image) -> str:
    stem, ending = image.file_name.rsplit(".", 1)
    name = _UNSAFE.sub("-", Path(image.name).stem).strip("-.") or "image"
    return f"{name}-{stem[:8]}.{ending}"
