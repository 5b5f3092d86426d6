"""Bytes to text, as mail programs read them: the declared charset's superset first, then what the bytes look like.

Pure. Never raises; the text never holds lone surrogates or NUL.
"""

from __future__ import annotations

import codecs
import re
from functools import lru_cache

from charset_normalizer import from_bytes

GUESSED = "charset_guessed"
REPLACED = "charset_replaced"

_SAMPLE = 16_384  # bytes a guess looks at

# Labels that mean a superset of what they say: https://encoding.spec.whatwg.org/#names-and-labels
_SUPERSETS: dict[str, tuple[str, ...]] = {
    "gb18030": ("gb18030",),
    "big5hkscs": ("big5hkscs", "cp950"),
    "cp949": ("cp949",),
    "cp932": ("cp932", "shift_jisx0213"),
    "euc_jp": ("euc_jp", "euc_jis_2004"),
    "iso2022_jp": ("iso2022_jp_ext", "iso2022_jp_2004", "iso2022_jp_2"),
}
_LABELS: dict[str, str] = {
    label: codec
    for codec, *labels in map(
        str.split,
        """
        gb18030 gb18030 gb2312 gb_2312 gb_2312_80 gb2312_80 gbk cp936 ms936 euc_cn chinese csgb2312 iso_ir_58
        gb18030 csiso58gb231280 eucgb2312_cn
        big5hkscs big5hkscs big5 big5_hkscs big5_tw cn_big5 csbig5 x_big5 cp950
        cp949 cp949 ks_c_5601_1987 ks_c_5601_1989 ks_c_5601 ksc5601 ksc_5601 euc_kr euckr ms949 uhc korean cseuckr
        cp949 csksc56011987 iso_ir_149 ks_x_1001
        cp932 cp932 shift_jis shift_jis_2004 shiftjis sjis ms_kanji csshiftjis ms932 cp31j
        euc_jp euc_jp eucjp ujis cseucpkdfmtjapanese
        iso2022_jp iso_2022_jp iso2022_jp iso2022jp csiso2022jp iso_2022_jp_1 iso_2022_jp_2 iso_2022_jp_3 jis
        iso2022_jp iso_2022_jp_2004 iso_2022_jp_ext iso_2022_jp_ms cp50220 cp50221 cp50222
        cp1252 cp1252 iso_8859_1 iso8859_1 iso_8859_1_1987 latin1 latin_1 l1 us_ascii ascii ansi_x3.4_1968 ansi
        cp1252 iso_ir_100 csisolatin1 latin1 cp819 iso_ir_6 us 646
        cp1254 cp1254 iso_8859_9 iso8859_9 latin5 l5
        cp874 cp874 iso_8859_11 iso8859_11 tis_620
        utf_8 utf_8 utf8 utf8mb4 utf_8_sig unicode_1_1_utf_8 cp65001
        iso8859-8 iso_8859_8_i iso_8859_8_e
        iso8859-6 iso_8859_6_i iso_8859_6_e
        hz hz_gb_2312 hz_gb2312 hz
        utf_7 utf_7 unicode_1_1_utf_7 csutf7
        mac_roman macintosh mac_roman mac apple_roman
        mac_cyrillic mac_cyrillic
        koi8_u koi8_ru
        koi8_r koi koi8
        iso2022_kr iso_2022_kr
        utf_16 utf_16 unicode
        """.strip().splitlines(),
    )
    for label in labels
}
# Other names are looked up in Python's table, and used only where they are one of these: the table also holds codecs
# that run code-like escapes or take quadratic time (unicode_escape, punycode, idna).
_PLAIN = frozenset(
    str.split(
        "koi8-r koi8-u koi8-t kz1048 ptcp154 utf-16-le utf-16-be utf-32 utf-32-le utf-32-be hp-roman8 johab "
        "mac-roman mac-cyrillic mac-greek mac-turkish mac-latin2 mac-iceland"
    )
    + [f"iso8859-{n}" for n in str.split("2 3 4 5 6 7 8 10 13 14 15 16")]
    + [f"cp{n}" for n in str.split("437 720 737 775 850 852 855 857 858 860 861 862 863 864 865 866 869 1006 1125")]
    + [f"cp{n}" for n in str.split("1250 1251 1253 1255 1256 1257 1258")]
)
_SEVEN_BIT = frozenset(
    str.split("iso2022_jp hz utf_7 iso2022_kr utf_16 utf-16-le utf-16-be utf-32 utf-32-le utf-32-be")
)
_GUESSES = str.split(
    "utf_8 gb18030 big5hkscs cp949 cp932 euc_jp cp1251 koi8_r cp1250 cp1252 cp1253 cp1254 cp1255 cp1256 cp874"
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_COMMON_HAN = frozenset(
    "的一是不了在人有我他这中大来上国们到说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成方多经么去法"
    "学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日军者意无力它与长把机十民第公此已工使情明性知全"
    "三又关点正业外将两高间由问很最重并物手应战向头文体政美相见被利什二等产或新己制身果加西斯月话合回特代内信表化老给世位次"
    "报价询盘订单样品请您好谢附件公司产品贸易价格客户邮件电话收到付款交货确认合同发票尊敬先生女士回复转发图片资料测试联系尽快"
    "單價詢訂樣請謝產貿確認發資測聯絡貴敬會計員經"
)


@lru_cache(maxsize=512)
def codec_of(label: str) -> str:
    """The codec to read a declared charset with, or "" for a name that means nothing."""
    name = re.sub(r"[\s_-]+", "_", label.strip(" \t\r\n\"';,.").lower()[:40])
    if name in _LABELS:
        return _LABELS[name]
    name = re.sub(r"^(?:x_)?(?:windows|win|cp|ibm|dos)_?(?=\d)", "cp", name).removeprefix("x_")
    if name in _LABELS:
        return _LABELS[name]
    try:
        found = codecs.lookup(name).name
    except (LookupError, ValueError):
        return ""
    return found if found in _PLAIN else ""


def decode(data: bytes, declared: str = "", hint: str = "") -> tuple[str, str]:
    """The text of `data`, and "" or what had to be done (GUESSED, REPLACED).

    `declared` is the charset as written; `hint` one that other parts of the mail use.
    """
    codec = codec_of(declared) if declared else ""
    if data.isascii() and codec not in _SEVEN_BIT and b"\x1b$" not in data:
        return _clean(data.decode("ascii")), ""
    if data.startswith(codecs.BOM_UTF8) or (data[:2] in (b"\xff\xfe", b"\xfe\xff") and codec in ("", "utf_16")):
        codec = "utf_8" if data.startswith(codecs.BOM_UTF8) else "utf_16"
    if declared.strip().lower() in ("us-ascii", "ascii"):
        codec = ""  # says only that the writer did not think of it
    for name in (codec, "iso2022_jp" if b"\x1b$" in data else "", "utf_8", codec_of(hint) if hint else ""):
        text = _strict(data, name) if name else None
        if text is not None:
            return _clean(text), "" if name == codec else GUESSED
    if codec and codec != "cp1252":
        text = data.decode(_SUPERSETS.get(codec, (codec,))[0], "replace")
        if text.count("\ufffd") * 20 <= len(text) + 20:
            return _clean(text), REPLACED
    return _guess(data)


def _strict(data: bytes, codec: str) -> str | None:
    if codec == "cp1252":  # WHATWG: the five holes of windows-1252 are control characters
        try:
            return data.decode("cp1252")
        except UnicodeDecodeError:
            return data.decode("latin-1")
    for name in _SUPERSETS.get(codec, (codec,)):
        try:
            return data.decode(name)
        except (UnicodeError, ValueError):
            continue
    return _strict(_as_cp932(data), "cp932") if codec == "iso2022_jp" else None


def _as_cp932(data: bytes) -> bytes:
    """ISO-2022-JP with the characters that only Windows has (circled numbers), as what Windows calls them."""
    out = bytearray()
    for escape, piece in re.findall(rb"(\x1b\$[@B]|\x1b\([BJI]|^)([^\x1b]*)", data):
        if not escape.startswith(b"\x1b$"):
            out += bytes(b | 0x80 for b in piece) if escape == b"\x1b(I" else piece
            continue
        for row, cell in zip(piece[::2], piece[1::2], strict=False):
            lead = ((row - 0x21) >> 1) + (0x81 if row <= 0x5E else 0xC1)
            trail = cell + (0x1F if cell <= 0x5F else 0x20) if row % 2 else cell + 0x7E
            out += bytes((lead & 0xFF, trail & 0xFF))
    return bytes(out)


def _guess(data: bytes) -> tuple[str, str]:
    sample = data[:_SAMPLE]
    codec = _east_asian(sample)
    if not codec:
        best = from_bytes(sample, cp_isolation=_GUESSES, steps=5, chunk_size=512, enable_fallback=False).best()
        codec = best.encoding if best else "cp1252"
    return _clean(data.decode(codec, "replace")), GUESSED


def _east_asian(sample: bytes) -> str:
    """The codec under which most Han are everyday ones, or all is Hangul: a sure sign even on a short header."""
    shares = [(_everyday(sample.decode(codec, "replace")), codec) for codec in ("gb18030", "big5hkscs")]
    share, codec = max(shares)
    if share >= 0.3:
        return codec
    high = bytes(byte for byte in sample if byte >= 0x80)
    hangul = len(high) >= 4 and all(0xB0 <= lead <= 0xC8 for lead in high[::2]) and min(high[1::2]) >= 0xA1
    return "cp949" if hangul else ""


def _everyday(text: str) -> float:
    beyond = [c for c in text if c > "\x7f"]
    return sum(c in _COMMON_HAN for c in beyond) / len(beyond) if beyond else 0.0


def _clean(text: str) -> str:
    text = text.removeprefix("\ufeff")
    if "\x00" in text:
        text = text.replace("\x00", "")
    if _SURROGATE.search(text):
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
