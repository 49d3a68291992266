"""Accessibility: what screen readers need to read the mail aloud and to move through it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from selectolax.lexbor import LexborNode

from newsletters.checks.appearance import appearances
from newsletters.checks.finding import Code, Finding, Subject, ancestors
from newsletters.compiled import Image
from newsletters.tokens import Kind

LANGUAGE = Code(
    "accessibility-language", "error", "The page does not say in which language or direction it is",
    why="Screen readers choose their voice by it, and words in another voice can't be understood.",
    fix="Give the layout's <mjml> lang and dir, as templates/email/frame.mjml.j2 does.",
)  # fmt: skip
TITLE = Code(
    "accessibility-title", "warning", "The page has no title",
    why="It is the first thing that a screen reader says when the mail is read in a browser.",
    fix="Add `title:` to the front matter, and keep <mj-title> in the layout.",
)  # fmt: skip
NO_HEADLINE = Code(
    "accessibility-no-headline", "warning", "No heading of the first level",
    why="People who listen jump to it to begin to read.", fix='Open with `::: hero "The headline"`.',
)  # fmt: skip
SECOND_HEADLINE = Code(
    "accessibility-second-headline", "warning", "More than one heading of the first level",
    why="People who listen take it for the beginning, and miss the part above it.",
    fix='Keep one hero or `#` heading; write the others as `::: heading "…"` or with ##.',
)  # fmt: skip
HEADING_ORDER = Code(
    "accessibility-heading-order", "warning", "A level of headings is skipped",
    why="People who listen find their way by the levels, and look for the part that seems to be missing.",
    fix="Use the level that follows: ## below the headline, ### below ##.",
)  # fmt: skip
EMPTY_HEADING = Code(
    "accessibility-empty-heading", "warning", "A heading without words",
    why="Screen readers announce a heading and then say nothing.", fix="Give it words, or delete its line.",
)  # fmt: skip
TABLE = Code(
    "accessibility-table", "warning", "A table without header cells",
    why="Screen readers can't say which column a value is of, or read out a layout as if it were a table.",
    fix='Write <th> for the header cells, or the table in Markdown; a block\'s own table needs role="presentation".',
)  # fmt: skip
NO_ALT = Code(
    "accessibility-no-alt", "warning", "A picture without alt text",
    why="People who can't see it, or have pictures switched off, don't learn what it shows.",
    fix='Add alt="what it shows", or give the picture its alt text in the toolkit.',
)  # fmt: skip
ALT_FILE_NAME = Code(
    "accessibility-alt-file-name", "warning", "A file's name as alt text",
    why="Screen readers would spell it out.", fix="Say what the picture shows, as you would on the telephone.",
)  # fmt: skip
LINKED_PICTURE = Code(
    "accessibility-linked-picture", "error", "A link that is a picture without alt text",
    why="Screen readers have no words for the link but its address.", fix='Add alt="…" that says where it leads.',
)  # fmt: skip
EMPTY_LINK = Code(
    "accessibility-empty-link", "error", "A link without words",
    why="Nobody can see it, and screen readers spell its address.", fix="Put words between its [ and ].",
)  # fmt: skip
VAGUE_LINK = Code(
    "accessibility-vague-link", "warning", "Link words that do not say where they lead",
    why="Many people who listen go from link to link, without the words round them.",
    fix='Say what is behind it: "Read how Mabel met Theo", not "read more".',
)  # fmt: skip

_EDGES = re.compile(r"^[\W_]+|[\W_]+$")
# English, Welsh, Arabic, Hindi, French, Polish: link texts that say nothing by themselves.
_SAYS_NOTHING = """
click|click here|click this link|here|read more|read on|more|learn more|find out more|see more|more info|this
more information|further information|details|more details|this link|link|continue|continue reading|go
cliciwch|cliciwch yma|yma|darllen mwy|darllenwch fwy|darllenwch ragor|mwy|rhagor|dysgu mwy|mwy o wybodaeth
rhagor o wybodaeth|dolen|y ddolen hon|gweld mwy|hwn
انقر هنا|اضغط هنا|هنا|اقرأ المزيد|المزيد|للمزيد|رابط
यहाँ क्लिक करें|यहां क्लिक करें|यहाँ|यहां|और पढ़ें|अधिक|अधिक जानें
cliquez ici|ici|en savoir plus|lire la suite|kliknij tutaj|tutaj|więcej|czytaj więcej
"""
_VAGUE = frozenset(_EDGES.sub("", words) for line in _SAYS_NOTHING.split("\n") for words in line.split("|")) - {""}
_FILE_NAME = re.compile(r"\S+\.(png|jpe?g|gif|webp|svg|heic)|(img|dsc|image|screenshot)[\s_-]*\d+", re.IGNORECASE)
# Of names: `Theo` beside Theo.jpg is one of a person.
_NO_WORD = re.compile(r"[-_.\d]")
_HEADINGS = "h1, h2, h3, h4, h5, h6"


def check(subject: Subject) -> Iterator[Finding]:
    """Yield findings about what is read aloud."""
    yield from _page(subject)
    yield from _headings(subject)
    for table in subject.tree.css("table"):
        if table.attributes.get("role") not in ("presentation", "none") and not table.css("th"):
            place = subject.place(table, words_of(subject, table))
            yield TABLE.at(place, "A table has neither header cells nor a role.")
    seen = appearances(subject.tree, dark=False)
    pictures = [node for node in subject.tree.css("img") if seen[node.mem_id].shown]
    for picture in pictures:
        yield from _alt(subject, picture)
    for link in subject.tree.css("a[href]"):
        yield from _link(subject, link)


def image_of(subject: Subject, picture: LexborNode) -> Image | None:
    """Return the newsletter's image that an `<img>` shows; None for any other."""
    found = subject.email.mint.pattern(Kind.IMAGE).fullmatch(picture.attributes.get("src") or "")
    return subject.email.images[int(found[2])] if found else None


def words_of(subject: Subject, node: LexborNode) -> str:
    """Return the longest run of words inside `node` that is in its author's text unchanged."""
    texts = [each.text_content or "" for each in node.traverse(include_text=True) if each.is_text_node]
    plain = subject.email.mint.pattern().sub("\n", "\n".join(texts))
    return max((piece.strip() for piece in re.split(r"[\n\xa0]", plain)), key=len, default="")


def place_of_link(subject: Subject, link: LexborNode) -> str:
    """Return where the author wrote a link: the line of its address, or else of its words."""
    url = subject.email.mint.pattern().split(link.attributes.get("href") or "")[0]
    written = subject.place_of(url) != subject.document.file
    return subject.place(link, url if written else words_of(subject, link))


def _page(subject: Subject) -> Iterator[Finding]:
    email, layout = subject.email, subject.document.place("layout")
    page = subject.tree.css_first("html")
    for what, node in (("page", page), ("mail's body", subject.tree.css_first("body > div[role=article]"))):
        given = node.attributes if node else {}
        if (given.get("lang"), given.get("dir")) != (email.language, email.direction):
            yield LANGUAGE.at(layout, f"The {what} does not say that it is in {email.language!r}, {email.direction}.")
    title = subject.tree.css_first("title")
    if title is None or not title.text().strip():
        yield TITLE.at(layout, "The page has no title.")


def _headings(subject: Subject) -> Iterator[Finding]:
    before: list[tuple[int, Mapping[int, str]]] = []
    for node, branches in _with_branches(subject):
        level, words = int((node.tag or "")[1]), " ".join(node.text().split())
        place = subject.place(node, words_of(subject, node))
        if not words and not node.css("img"):
            yield EMPTY_HEADING.at(place, f"A heading of level {level} has no words.")
        if level == 1 and any(above == 1 and _may_meet(branches, others) for above, others in before):
            yield SECOND_HEADLINE.at(place, f"{subject.plain(words)!r} is a second headline.")
        last = next((above for above, others in reversed(before) if _may_meet(branches, others)), 0)
        if level > last + 1:
            follows = f"a heading of level {last}" if last else "the beginning of the mail"
            yield HEADING_ORDER.at(place, f"{subject.plain(words)!r} is of level {level}, and follows {follows}.")
        before.append((level, branches))
    if not any(level == 1 for level, _ in before):
        yield NO_HEADLINE.at(subject.document.place("layout"), "The mail has no heading of level 1.")


def _with_branches(subject: Subject) -> Iterator[tuple[LexborNode, Mapping[int, str]]]:
    """Yield the headings in order, each with the branches (condition to kind of token) around it."""
    tokens, held = subject.email.mint.pattern("[BOE]"), dict[int, str]()
    headings = {node.mem_id for node in subject.tree.css(_HEADINGS)}
    body = subject.tree.body
    for node in body.traverse(include_text=True) if body else ():
        text = node.comment_content if node.is_comment_node else node.text_content if node.is_text_node else ""
        for kind, index in tokens.findall(text or ""):
            held = {**held, int(index): kind}
            if kind == Kind.END:
                del held[int(index)]
        if node.mem_id in headings:
            yield node, held


def _may_meet(branches: Mapping[int, str], others: Mapping[int, str]) -> bool:
    """Return whether somebody can see both: no condition shows one of them instead of the other."""
    return all(others.get(index, branch) == branch for index, branch in branches.items())


def _alt(subject: Subject, picture: LexborNode) -> Iterator[Finding]:
    # A toolkit's image has no alt text only where its entry says that it adds nothing.
    image, alt = image_of(subject, picture), (picture.attributes.get("alt") or "").strip()
    name = image.name if image else picture.attributes.get("src") or ""
    if not alt and not any(above.tag == "a" for above in ancestors(picture)) and name not in subject.toolkit.images:
        yield NO_ALT.at(subject.place(picture, name), f"The picture {name!r} has no alt text.")
    elif _FILE_NAME.fullmatch(alt) or (alt in (name, name.rpartition(".")[0]) and _NO_WORD.search(alt)):
        yield ALT_FILE_NAME.at(subject.place(picture, name), f"{alt!r} is the name of a file.")


def _link(subject: Subject, link: LexborNode) -> Iterator[Finding]:
    alts = [(picture.attributes.get("alt") or "").strip() for picture in link.css("img")]
    words = " ".join([*link.text().split(), *alts]).strip()
    place = place_of_link(subject, link)
    if not words and alts:
        image = image_of(subject, link.css("img")[0])
        name = image.name if image else "picture"
        yield LINKED_PICTURE.at(subject.place(link, name), f"The picture {name!r} is a link, and has no alt text.")
    elif not words:
        yield EMPTY_LINK.at(place, f"The link to {subject.plain(link.attributes.get('href') or '')} has no words.")
    elif _EDGES.sub("", words).lower() in _VAGUE:
        yield VAGUE_LINK.at(place, f"The words {_EDGES.sub('', words)!r} do not say where they lead.")
