"""Bytes, headers and addresses as the world writes them."""

from datetime import UTC, datetime

import pytest

from connectors.base.model import Address
from connectors.mail import headers as hdr
from connectors.mail.charsets import GUESSED, codec_of, decode


@pytest.mark.parametrize(
    ("text", "encoding", "declared"),
    [
        ("东莞市鑫源五金制品有限公司 镕", "gb18030", "gb2312"),  # 镕 is not in GB2312
        ("뷁 견적 요청", "cp949", "ks_c_5601-1987"),
        ("①見積書", "cp932", "shift_jis"),
        ("“quoted” – €5", "cp1252", "iso-8859-1"),
        ("噓 報價單", "big5hkscs", "BIG5"),
        ("見積書の件", "iso2022_jp", "ISO-2022-JP"),
        ("Запрос", "koi8_r", "KOI8-R"),
        ("Größe", "utf-8", '"utf-8"'),
    ],
)
def test_a_declared_charset_is_read_as_its_superset(text, encoding, declared):
    assert decode(text.encode(encoding), declared) == (text, "")


def test_windows_only_characters_inside_iso_2022_jp_are_read():
    assert decode(b"\x1b$B-!4]?t;z\x1b(B", "iso-2022-jp")[0] == "①丸数字"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("报价单", "gbk"), ("您好，请查收附件", "gbk"), ("報價單請查收", "big5"), ("見積書の件", "iso2022_jp"),
        ("Запрос цены на продукцию", "cp1251"), ("Solicitud de cotización", "cp1252"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("declared", ["", "us-ascii", "x-unknown"])
def test_bytes_without_a_true_charset_are_guessed_and_said_to_be(text, encoding, declared):
    assert decode(text.encode(encoding), declared) == (text, GUESSED)


@pytest.mark.parametrize("name", ["punycode", "unicode_escape", "idna", "zlib", "rot13", "", "no-such", "\x00" * 99])
def test_codecs_that_are_no_charset_are_never_used(name):
    assert codec_of(name) == ""
    assert decode(b"\\u4e2d abc", name)[0] == "\\u4e2d abc"


def test_decoded_text_holds_no_lone_surrogate_and_no_nul():
    text = decode(b"a\x00+2AA-b", "utf-7")[0]
    text.encode("utf-8")
    assert "\x00" not in text


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ("=?gb2312?B?1cXI/Q==?= x", "张三 x"),
        ("=?utf-8?B?5Li?= =?utf-8?B?t5paH?=", "中文"),  # cut inside a base64 group
        ("=?utf-8?Q?=E4=B8?=\r\n =?utf-8?Q?=AD?=", "中"),  # cut inside a character
        ("=?utf-8?Q?a b c?=", "a b c"),  # blanks are not allowed, and common
        ("=?utf-8?B?5Lit5paH", "=?utf-8?B?5Lit5paH"),  # never closed: left as it is
        ("=?iso-2022-jp?B?GyRCOCtAUT1xGyhC?=", "見積書"),
        ("=?utf-8*en?Q?caf=C3=A9?=", "café"),
        ("Re: =?GBK?Q?=B1=A8=BC=DB?= (2)", "Re: 报价 (2)"),
        ("plain", "plain"),
    ],
)
def test_encoded_words_are_read_also_when_broken(raw, said):
    assert hdr.text(hdr.unfold(raw.encode())) == said


def test_raw_eight_bit_headers_are_read():
    assert hdr.text(hdr.unfold("报价单 PO-7".encode("gbk"))) == "报价单 PO-7"
    assert hdr.text(hdr.unfold("عرض أسعار".encode())) == "عرض أسعار"


@pytest.mark.parametrize(
    ("raw", "people"),
    [
        ('"Doe, John" <J@X.com>, b@c.de (Bea)', [("j@x.com", "Doe, John"), ("b@c.de", "Bea")]),
        ("undisclosed-recipients:;", []),
        ("Sales: a@b.cn, =?gbk?B?1cXI/Q==?= <z@b.cn>;", [("a@b.cn", ""), ("z@b.cn", "张三")]),
        ("=?utf-8?B?5byg5LiJIDxhQGIuY24+?=", [("a@b.cn", "张三")]),
        ("=?UTF-8?Q?Doe=2C_J?= <a@b.c>", [("a@b.c", "Doe, J")]),
        ("张三 <a@例子.公司>", [("a@xn--fsqu00a.xn--55qx5d", "张三")]),
        ('"unclosed <a@b.c>, d@e.f', [("a@b.c", "unclosed"), ("d@e.f", "")]),
        ("'bob@x.com' <bob@x.com>; c@d.e", [("bob@x.com", ""), ("c@d.e", "")]),
        ("<@r1,@r2:real@x.y>", [("real@x.y", "")]),
        ("John Smith", [("", "John Smith")]),
        ("<>", []),
        ("محمد <m@x.ae>", [("m@x.ae", "محمد")]),
    ],
)
def test_addresses_are_taken_from_groups_comments_and_ruins(raw, people):
    assert hdr.addresses(hdr.unfold(raw.encode())) == tuple(Address(e, n) for e, n in people)


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ('attachment; filename="a;b \\"c\\".pdf"', 'a;b "c".pdf'),
        ("attachment; filename*=gb2312''%b1%a8%bc%db.pdf", "报价.pdf"),
        ("attachment; filename*0*=utf-8''%e6%8a; filename*1*=%a5; filename*2=.pdf", "报.pdf"),
        ('attachment; filename="=?gbk?B?sai82w==?=.xls"', "报价.xls"),
        ("attachment; filename=报价单.pdf", "报价单.pdf"),
        ("attachment; filename=a b c.pdf", "a b c.pdf"),
    ],
)
def test_file_names_are_read_in_every_notation(value, name):
    assert hdr.parameters(hdr.unfold(value.encode()))[1]["filename"] == name


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("Mon, 2 Mar 2026 08:00:00 +0800 (CST)", datetime(2026, 3, 2, 0, 0, tzinfo=UTC)),
        ("2026-03-02T08:00:00+08:00", datetime(2026, 3, 2, 0, 0, tzinfo=UTC)),
        ("2 Mar 26 08:00 GMT", datetime(2026, 3, 2, 8, 0, tzinfo=UTC)),
        ("Mon, 2 Mar 2026 08:00:60 GMT", datetime(2026, 3, 2, 8, 0, 59, tzinfo=UTC)),
        ("Thu, 1 Jan 1970 00:00:00 GMT", None),
        ("Mon, 32 Mar 2026 25:00:00 GMT", None),
        ("Fri, 31 Dec 2199 23:59:59 -9999", None),
        ("tomorrow", None),
        ("", None),
    ],
)
def test_dates_become_utc_or_nothing(value, moment):
    assert hdr.date(value) == moment


@pytest.mark.parametrize(
    ("value", "ids"),
    [
        ("<a@b> <c@d>", ("a@b", "c@d")),
        ("a@b", ("a@b",)),  # some web mail writes no brackets
        ("Your message of Monday <y@z>", ("y@z",)),
        ("Your message to joe@x of Monday", ()),
        ("<a@\tb>", ("a@b",)),
    ],
)
def test_message_ids_are_read_with_and_without_brackets(value, ids):
    assert hdr.message_ids(value) == ids
