"""HTML bodies: as readable text, as the newly written part of it, and as markup that is safe to show. Pure; bounded."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import nh3
from inscriptis.css_profiles import CSS_PROFILES
from inscriptis.html_engine import Inscriptis
from inscriptis.model.config import ParserConfig
from lxml.etree import LxmlError, iterwalk  # type: ignore[import-untyped]
from lxml.html import document_fromstring  # type: ignore[import-untyped]

from mappings.reading.grid import drawn, flatten

READ_CHARS = 2_000_000  # of HTML that are looked at
SHOWN_CHARS = 500_000  # of sanitised HTML that are kept
GRID_CHARS = 10_000_000  # that tables may take as text, blanks included
_DEPTH = 500  # deeper than any mail program nests; the sanitiser takes quadratic time in it

_TAGS = frozenset(
    str.split(
        "a abbr b bdi bdo blockquote br caption center cite code col colgroup dd del div dl dt em font h1 h2 h3 h4 "
        "h5 h6 "
        "hr i ins kbd li mark ol p pre q s samp small span strike strong sub sup table tbody td tfoot th thead time tr "
        "tt u ul var wbr"
    )
)
_DROPPED = frozenset(
    str.split(
        "script style head title noscript template iframe frame object embed applet svg math audio video canvas form "
        "select textarea button map"
    )
)
_ATTRIBUTES = {
    "*": {"dir", "lang"},
    "a": {"href", "title"},
    "td": {"colspan", "rowspan", "align", "valign"},
    "th": {"colspan", "rowspan", "align", "valign"},
    "table": {"border", "cellpadding", "cellspacing"},
    "font": {"color"},
    "ol": {"start"},
}
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]{0,20})")
_WHOLE_TAG = re.compile(r"<(/?)([a-zA-Z!?][a-zA-Z0-9]{0,20})[^<>]{0,2000}>")
_BREAKS = frozenset(str.split("br p div tr li h1 h2 h3 h4 table ul ol blockquote"))
_UNNESTED = frozenset(str.split("p li td tr th dd dt br hr img meta link input col area base option wbr o"))
_XML_DECLARATION = re.compile(r"^\s*<\?xml[^>]{0,200}\?>", re.IGNORECASE)
_CONTROL = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]"
)  # what lxml takes from markup, and gives back to nobody
_HIDDEN = re.compile(r"display\s*:\s*none|mso-hide\s*:\s*all", re.IGNORECASE)
_CONFIG = ParserConfig(css=CSS_PROFILES["strict"].copy())
_BLANK_LINES = re.compile(r"\n[ \t\u00a0]*(?:\n[ \t\u00a0]*){2,}")

# How mail programs mark what they quote. "after": the mark stands before the quote and everything behind it goes too.
_QUOTE_CLASSES = frozenset(
    str.split(
        "gmail_quote gmail_quote_container gmail_extra moz-cite-prefix yahoo_quoted protonmail_quote tutanota_quote "
        "zmail_extra zimbra_quote freemail_quote mail_quote qm_quote ms-outlook-mobile-reference-message "
        "outlookmessageheader wordsection1_quote mailbird_quote front-blockquote gmail_attr mcntmcntquote"
    )
)
_AFTER_IDS = frozenset(
    str.split(
        "appendonsend divrplyfwdmsg mail-editor-reference-message-container isreplycontent ntes-pcmail-quote "
        "olk_src_body_section orig_message zwchr replysplit __aliyun_previous_quote_mark x_divrplyfwdmsg "
        "isforwardcontent "
        "mailbirdattributionline mqmailcompose_container_quote yahoo_quoted bltnp5hrplyfwd3 stopspelling reply-intro"
    )
)
# Outlook draws a line above the quoted header: https://learn.microsoft.com/outlook (seen in every version since 2007).
_RULE_STYLE = re.compile(
    r"border\s*:\s*none\s*;\s*border-top\s*:\s*solid\s+#(?:B5C4DF|E1E1E1)\s+1\.0pt|"
    r"border-top\s*:\s*(?:#B5C4DF|#E1E1E1)\s+1pt\s+solid|"
    r"border-width\s*:\s*1pt\s+medium\s+medium|"
    r"border-top-color\s*:\s*rgb\(\s*(?:181\s*,\s*196\s*,\s*223|225\s*,\s*225\s*,\s*225)\s*\)",
    re.IGNORECASE,
)


def to_text(html: str) -> str:
    """The visible text, tables readable, nothing hidden; "" for an empty body."""
    tree = _tree(html)
    return _plain(html) if tree is None else _render(tree, html)


def without_quotes(html: str) -> str:
    """The visible text outside of what the sender's program marked as quoted; quotes without marks are still in it."""
    tree = _tree(html)
    if tree is None:
        return _plain(html)
    _cut_quotes(tree)
    text = _render(tree, "")
    return text if text.strip() else ""


def sanitised(html: str) -> str:
    """Markup without script, styles, images, forms or anything else that loads or runs; "" where it is too deep."""
    html = html[:READ_CHARS]
    if not html.strip() or _too_deep(html):
        return ""
    clean = nh3.clean(
        html,
        tags=set(_TAGS),
        clean_content_tags=set(_DROPPED),
        attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
        url_schemes={"http", "https", "mailto", "tel"},
        url_relative="deny",  # it would lead into the CRM, with the rights of whoever reads it there
        strip_comments=True,
        link_rel="noopener noreferrer nofollow",
    ).strip()
    return clean if len(clean) <= SHOWN_CHARS else ""


def _tree(html: str) -> Any:
    html = _CONTROL.sub("", _XML_DECLARATION.sub("", html[:READ_CHARS], count=1)).strip()
    if not html:
        return None
    try:
        tree = document_fromstring(html)
    except (LxmlError, ValueError, AssertionError):
        return None
    for element in list(tree.iter()):
        if not isinstance(element.tag, str):
            continue
        if _HIDDEN.search(element.get("style", "")[:500]) and element.getparent() is not None:
            _drop(element)
    return tree


def _render(tree: Any, html: str) -> str:
    for element in tree.iter():
        if isinstance(element.tag, str):  # a style may ask for a million blanks
            for name in ("style", "align", "valign"):
                element.attrib.pop(name, None)
    if drawn(tree) > GRID_CHARS:
        flatten(tree)
    try:
        text = str(Inscriptis(tree, _CONFIG).get_text())
    except (RecursionError, ValueError, IndexError, AttributeError):
        return _plain(html)
    lines = [line.replace("\u00a0", " ").rstrip() for line in text.splitlines()]
    text = _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip("\n")
    return text if text.strip() or not html else _plain(html)


def _plain(html: str) -> str:
    """Tags taken out, for what the reader of HTML gives up on (it stops 256 elements deep)."""
    out: list[str] = []
    end = hidden = 0
    for m in _WHOLE_TAG.finditer(html[:READ_CHARS]):
        if not hidden:
            out.append(html[end : m.start()])
        name = m[2].lower()
        if name in ("script", "style", "head", "title"):
            hidden = 0 if m[1] else 1
        out.append("\n" if name in _BREAKS else " ")
        end = m.end()
    out.append("" if hidden else html[end:READ_CHARS])
    return unescape("".join(out)).strip()


def _too_deep(html: str) -> bool:
    depth = 0
    for closing, tag in _TAG.findall(html):
        if tag.lower() not in _UNNESTED:
            depth = max(0, depth - 1) if closing else depth + 1
            if depth > _DEPTH:
                return True
    return False


# --------------------------------------------------------------------------------------------------------------- quotes


def _cut_quotes(tree: Any) -> None:
    for element in list(tree.iter()):
        if element is tree or not isinstance(element.tag, str) or not _inside(element, tree):
            continue  # whatever the root calls itself, it is the mail
        names = set(str.split(element.get("class", "")[:300].lower()))
        if _starts_tail(element):
            _drop_tail(element)
        elif names & _QUOTE_CLASSES or _is_cited(element):
            _drop(element)
    _cut_last_quotes(tree)


def _inside(element: Any, tree: Any) -> bool:
    """Whether it has not been dropped with a parent. At most as deep as the parser goes (256)."""
    while element is not None and element is not tree:
        element = element.getparent()
    return element is not None


def _is_cited(element: Any) -> bool:
    if element.tag != "blockquote":
        return False
    style = element.get("style", "")[:500].replace(" ", "").lower()
    return element.get("type", "").lower() == "cite" or element.get("cite") is not None or "border-left:" in style


def _cut_last_quotes(tree: Any) -> None:
    """Quotes without any mark go where nothing is written below them."""
    seen = 0
    ends: list[tuple[Any, int]] = []
    for event, element in iterwalk(tree, events=("start", "end")):
        shown = isinstance(element.tag, str) and element.tag not in _DROPPED
        if event == "start":
            seen += bool(shown and (element.text or "").strip())
            continue
        if element.tag == "blockquote":
            ends.append((element, seen))
        seen += bool((element.tail or "").strip())
    for element, at in ends:
        if at == seen and _inside(element, tree):
            _drop(element)


def _starts_tail(element: Any) -> bool:
    if element.get("id", "").lower() in _AFTER_IDS or element.get("name", "").lower() == "messagereplysection":
        return True
    if element.tag == "div" and _RULE_STYLE.search(element.get("style", "")[:500]):
        return True
    return element.tag == "hr" and (element.get("id") or "").lower() in ("stopspelling", "zwchr")


def _drop(element: Any) -> None:
    """Take it out, keeping the text that follows it."""
    parent = element.getparent()
    if parent is None:
        return
    tail, before = element.tail or "", element.getprevious()
    if before is not None:
        before.tail = (before.tail or "") + tail
    else:
        parent.text = (parent.text or "") + tail
    parent.remove(element)


def _drop_tail(element: Any) -> None:
    """Take it out with everything that follows it in the document."""
    node = element
    while (parent := node.getparent()) is not None:
        for after in list(node.itersiblings()):
            parent.remove(after)
        node.tail = None
        node = parent
    element.getparent().remove(element)
