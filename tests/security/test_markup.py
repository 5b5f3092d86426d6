"""Markup of a stranger that a CRM shows: nothing in it runs, loads, hides, or leads into the CRM itself."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest

from mappings.reading.html import sanitised

IMG = "<img src=https://t.example/1.gif onerror=alert(1)>"
HOSTILE = [
    # What one parser takes for text and the next one for markup: https://research.securitum.com/mutation-xss-via-mathml-mutation-dompurify-2-0-17-bypass/
    f'<math><mtext><table><mglyph><style><!--</style><img title="--&gt;{IMG}">',
    f'<svg></p><style><a id="</style>{IMG}">',
    f'<noscript><p title="</noscript>{IMG}">',
    f"<form><math><mtext></form><form><mglyph><style></math>{IMG}",
    f"<center><title><style></title>{IMG}</style></center>",
    *(f"<{tag}>{IMG}</{tag}>" for tag in ("template", "select", "textarea", "xmp", "plaintext", "noembed", "noframes")),
    f"<!-->{IMG}-->", f"<!--a--!>{IMG}", f"<![CDATA[{IMG}]]>", f"<?xml {IMG}?>", f"</{IMG}", f"<b <{IMG}",
    # Addresses
    *(
        f'<a href="{url}">x</a>'
        for url in (
            "javascript:alert(1)", "jav&#x0A;ascript:alert(1)", " \x01javascript:alert(1)", "JaVaScRiPt&colon;x",
            "data:text/html,x", "vbscript:x", "file:///etc/passwd", "blob:x", "view-source:x", "intent:x",
            "/setup/delete?id=1", "//evil.example/x", "\\\\evil.example\\x", "?delete=1", "#top", "x", "",
        )
    ),
    '<base href="https://evil.example/"><a href="x">y</a>',
    '<svg><a xlink:href="javascript:alert(1)"><text>x</text></a><use href="data:image/svg+xml,x"/></svg>',
    # What loads, and tells that the mail was read
    IMG, '<table background="https://t.example/"><tr><td background=x style="background:url(https://t.example)">x</table>',
    "<link rel=stylesheet href=//t.example>", "<style>@import url(//t.example)</style>", "<object data=//t.example>",
    "<embed src=//t.example>", "<iframe srcdoc='<script>x</script>'>", "<video poster=//t.example><source src=x></video>",
    "<audio src=//t.example>", "<input type=image src=//t.example>", '<q cite="//t.example">x</q>',
    '<a href="https://ok.example" ping="//t.example" target=_blank onclick=x>x</a>',
    '<meta http-equiv=refresh content="0;url=https://evil.example">',
    # What covers the page, or poses as a part of it
    '<p style="position:fixed;inset:0">x</p>', "<b id=x name=y class=slds-hide>x</b>", '<font color="red;x:url(y)">x</font>',
    "<details open ontoggle=x>x</details>", "<marquee onstart=x>x</marquee>", "<form action=/x><button>Pay</button></form>",
    '<p dir="&quot; onclick=1">x</p>', "<a title='\"><img src=x>'>x</a>",
]  # fmt: skip
KNOWN = frozenset({"href", "rel", "title", "dir", "lang", "colspan", "rowspan", "align", "valign", "color", "start"})


class Reader(HTMLParser):
    """Notes every tag and attribute by other means than the sanitiser's."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag in (
            "img",
            "svg",
            "math",
            "style",
            "script",
            "form",
            "input",
            "button",
            "base",
            "meta",
            "link",
            "iframe",
        ):
            self.wrong.append(tag)
        for name, value in attrs:
            if name not in KNOWN | {"border", "cellpadding", "cellspacing"}:
                self.wrong.append(name)
            if name == "href" and urlsplit(value or "").scheme not in ("http", "https", "mailto", "tel"):
                self.wrong.append(f"href={value}")


def wrong(markup: str) -> list[str]:
    reader = Reader()
    reader.feed(markup)
    reader.close()
    return reader.wrong


@pytest.mark.parametrize("html", HOSTILE)
def test_nothing_runs_loads_or_leads_into_the_crm(html):
    clean = sanitised(f"<p>Dear Sir,</p>{html}")
    assert wrong(clean) == []
    assert wrong(sanitised(clean)) == []  # also after a CRM has read it and written it anew


def test_the_reader_of_this_test_sees_what_is_wrong():
    assert sum(bool(wrong(html)) for html in HOSTILE) > 40


def test_ordinary_links_stay():
    assert 'href="https://ok.example/a?b=1"' in sanitised('<a href="https://ok.example/a?b=1">x</a>')
    assert 'href="mailto:a@b.example"' in sanitised('<a href="mailto:a@b.example">x</a>')
