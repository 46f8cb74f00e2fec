"""How Webex's own service and clients turn a text into the HTML that they store (reference §4.1 to §4.3)."""

import html as entities
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from connectors.html import escape, to_html
from connectors.markdown import VerbatimAddresses, bare_address, from_markdown, table_lines
from connectors.richtext import (
    Block,
    BulletList,
    Document,
    Inline,
    NumberedList,
    Paragraph,
    Quote,
    Style,
    Table,
    Text,
    map_inlines,
)

Find = Callable[[str], tuple[str, str] | None]
"""Id and name of the person with this e-mail address or id; None for nobody."""

SMALLEST_HEADING = 3
"""Levels that Webex knows (§4.1)."""

_MENTION = re.compile(r"<@(?:(all)|(?:personEmail|personId):([^|>]+)(?:\|([^>]*))?)>", re.IGNORECASE)
_MENTIONED = re.compile(
    r'<spark-mention data-object-type="(person|groupMention)" data-(?:object-id|group-type)="([^"]+)"'
)
_BORDER = re.compile(r"<br\s*/?>|</(?:p|li|h[1-6]|pre|blockquote|div)>|\s+")
_TAG = re.compile(r"<[^>]*>")
_KEPT_TAG = re.compile(r"</?(?:b|i|u|a|ul|ol|li|h[1-3]|strong|em|code|pre|blockquote|br|p)\b[^>]*>", re.IGNORECASE)
_CLIENT_TAGS = {"<strong>": "<b>", "</strong>": "</b>", "<em>": "<i>", "</em>": "</i>"}
_CLIENT_TAG = re.compile("|".join(map(re.escape, _CLIENT_TAGS)))
_CODE_OR_TAG = r"<(code|pre)\b.*?</\1>|<[^>]*>"


def mention_html(person: str, name: str) -> str:
    """A person as stored in ``html``."""
    return f'<spark-mention data-object-type="person" data-object-id="{escape(person)}">{escape(name)}</spark-mention>'


EVERYBODY = '<spark-mention data-object-type="groupMention" data-group-type="all">All</spark-mention>'


def service_html(markdown: str, find: Find) -> str:
    """What the service makes of the ``markdown`` of a post. HTML typed by hand is obeyed where Webex allows the tag:
    a client that forgets to escape shall see it."""
    return str(_SERVICE.render(markdown, {"find": find})).strip()


def client_html(typed: str, members: Mapping[str, str]) -> str:
    """What a client makes of typed text; ``@Name`` of a member (id by name) and ``@all`` are mentions."""
    known = Document(tuple(map(_untabled, map_inlines(from_markdown(typed), _unstruck).blocks)))
    written = _CLIENT_TAG.sub(lambda tag: _CLIENT_TAGS[tag[0]], to_html(known, deepest_heading=SMALLEST_HEADING))
    names = "|".join(re.escape(escape(name)) for name in sorted(members, key=len, reverse=True))
    by_name = {escape(name): mention_html(id_, name) for name, id_ in members.items()} | {"all": EVERYBODY}
    called = re.compile(rf"{_CODE_OR_TAG}|@({names}|all)\b", re.DOTALL)
    return called.sub(lambda found: by_name[found[2]] if found[2] else found[0], written)


def text_of(html: str) -> str:
    """``text`` as derived from ``html``: no tags, no entities, line breaks turned into blanks."""
    return " ".join(entities.unescape(_TAG.sub("", _BORDER.sub(" ", html))).split())


def mentioned(html: str) -> tuple[list[str], list[str]]:
    """The people and the groups mentioned, each once."""
    found = {kind: [m[2] for m in _MENTIONED.finditer(html) if m[1] == kind] for kind in ("person", "groupMention")}
    return list(dict.fromkeys(found["person"])), list(dict.fromkeys(found["groupMention"]))


def echoed(markdown: str, find: Find) -> str:
    """The posted ``markdown`` as it is returned: mentions are elements."""
    return _MENTION.sub(lambda found: _mention(found, find), markdown)


def _mention(found: re.Match[str], find: Find) -> str:
    if found[1]:
        return EVERYBODY
    person = find(found[2])
    return mention_html(person[0], found[3] or person[1]) if person else escape(found[3] or "")


def _mention_rule(state: StateInline, silent: bool) -> bool:
    found = _MENTION.match(state.src, state.pos)
    if not found:
        return False
    if not silent:
        token = state.push("html_inline", "", 0)
        token.content, token.info = _mention(found, state.env["find"]), "mention"
    state.pos = found.end()
    return True


class _Renderer(RendererHTML):
    """Keeps the tags that Webex keeps."""

    def html_inline(self, tokens: Sequence[Token], place: int, _options: Any, _env: Any) -> str:
        token = tokens[place]
        return token.content if token.info == "mention" else _allowed(token.content)

    def html_block(self, tokens: Sequence[Token], place: int, _options: Any, _env: Any) -> str:
        return _allowed(tokens[place].content)

    def link_open(self, tokens: Sequence[Token], place: int, options: Any, env: Any) -> str:
        tokens[place].attrSet("rel", "nofollow")
        return self.renderToken(tokens, place, options, env)


def _allowed(html: str) -> str:
    return _TAG.sub(lambda tag: tag[0] if _KEPT_TAG.fullmatch(tag[0]) else "", html)


def _service() -> MarkdownIt:
    made = VerbatimAddresses("commonmark", {"html": True}, renderer_cls=_Renderer)
    made.inline.ruler.before("autolink", "mention", _mention_rule)
    made.inline.ruler.before("escape", "bare_address", bare_address)
    return made


_SERVICE = _service()


def _unstruck(inline: Inline) -> Inline:
    """Webex's clients know no strike."""
    return Text(inline.text, inline.style & ~Style.STRIKE) if isinstance(inline, Text) else inline


def _untabled(block: Block) -> Block:
    """Webex's clients know no tables."""
    match block:
        case Table():
            return Paragraph(tuple(table_lines(block)))
        case Quote(blocks):
            return Quote(tuple(map(_untabled, blocks)))
        case BulletList(items) | NumberedList(items):
            return replace(block, items=tuple(tuple(map(_untabled, item)) for item in items))
    return block


TEXT_FIELDS = frozenset(["text", "markdown", "html", "mentionedPeople", "mentionedGroups"])


def text_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """A text in every form, with whom it mentions."""
    html = fields.get("html", "")
    people, groups = mentioned(html)
    return {
        **({"text": text_of(html)} if html else {}),
        **fields,
        **({"mentionedPeople": people} if people else {}),
        **({"mentionedGroups": groups} if groups else {}),
    }


def without_text(data: Mapping[str, Any]) -> dict[str, Any]:
    """A message as a webhook tells it (§2.6)."""
    told = ("id", "roomId", "roomType", "personId", "personEmail", "parentId", "mentionedPeople", "files", "created")
    return {name: data[name] for name in told if name in data}
