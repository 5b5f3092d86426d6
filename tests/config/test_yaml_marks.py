"""YAML becomes data with places; text that is no YAML is told at the character that broke it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradepost.config.yaml_marks import MAX_BYTES, Document, Flaw, Mark, decode, read
from tradepost.messages import known


def flaws(text: str) -> list[tuple[int, int, str]]:
    return [(f.mark.line, f.mark.column, f.name) for f in read(text).flaws]


def test_every_value_knows_its_place() -> None:
    document = read("a:\n  - b: 1\n    c: [x, y]\n")
    assert document.data == {"a": [{"b": 1, "c": ["x", "y"]}]}
    assert document.spots[("a", 0, "c")].key == Mark(3, 5)
    assert document.spots[("a", 0, "c")].value == Mark(3, 8)
    assert document.spots[("a", 0, "c", 1)].value == Mark(3, 12)
    assert document.spot(("a", 0, "nowhere", 3)).value == Mark(2, 5)


def test_columns_count_characters_not_bytes() -> None:
    assert read("公司: {名称: 深圳}").spots[("公司", "名称")].value == Mark(1, 10)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("off", "off"),
        ("NO", "NO"),
        ("yes", "yes"),
        ("true", True),
        ("09:00", "09:00"),
        ("12:30:45", "12:30:45"),
        ("2026-01-01", "2026-01-01"),
        ("0051200", "0051200"),
        ("0x10", "0x10"),
        ("1_000", "1_000"),
        ("60", 60),
        ("-3", -3),
        ("1.5", 1.5),
        ("1.50", "1.50"),
        ("1e3", "1e3"),
        ("99999999999999999999", "99999999999999999999"),
        ("~", None),
        ("", None),
        ("'60'", "60"),
        ('"null"', "null"),
        ("!!str 60", "60"),
    ],
)
def test_plain_words_are_what_they_look_like_and_nothing_cleverer(text: str, value: object) -> None:
    assert read(f"k: {text}\n").data == {"k": value}


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("a: 1\nb: 2\na: 3\n", (3, 1, "duplicate_key")),
        ("a:\n\tb: 1\n", (2, 1, "tab")),
        ("a:\n  b: 1\n\tc: 2\n", (3, 1, "tab")),
        ("a: b: c\n", (1, 5, "colon")),
        ("a:\n  b: 1\n c: 2\n", (3, 2, "indentation")),
        ("a: 'open\n", (1, 4, "open_quote")),
        ('a: "C:\\dir"\n', (1, 8, "escape")),
        ("a: [1, 2\nb: 3\n", (1, 4, "open_bracket")),
        ("a: @home\n", (1, 4, "special_character")),
        ("a: *x\n", (1, 4, "unknown_alias")),
        ("a: 1\n---\nb: 2\n", (2, 1, "two_documents")),
        ("a: !secret x\n", (1, 4, "tag")),
        ("a: !!python/object/apply:os.system [ls]\n", (1, 4, "tag")),
        ("{a: 1}: 2\n", (1, 1, "key_not_text")),
        ("a: 1\nb\nc: 2\n", (2, 1, "no_colon")),
        ("a: x\x07y\n", (1, 5, "bad_character")),
        ("a: &x [*x]\n", (1, 4, "too_deep")),
        ("a: &x {b: 1, <<: *x}\n", (1, 4, "too_deep")),
        ("a: {<<: text}\n", (1, 9, "merge")),
        ("", (1, 1, "empty_file")),
        ("# nothing\n", (1, 1, "empty_file")),
        ("[" * 60 + "]" * 60, (1, 41, "too_deep")),
        ("[" * 50_000, (1, 1, "too_deep")),
    ],
)
def test_a_mistake_in_the_text_is_told_where_it_is(text: str, where: tuple[int, int, str]) -> None:
    assert flaws(text) == [where]


def test_several_repeated_keys_are_all_told() -> None:
    assert flaws("a: 1\na: 2\nb: {c: 1, c: 2}\n") == [(2, 1, "duplicate_key"), (3, 11, "duplicate_key")]


def test_sections_can_be_shared_and_changed() -> None:
    text = "x: &base {a: 1, b: 2}\ny: {<<: *base, b: 3}\nz: {b: 4, <<: [*base, {c: 5, a: 6}]}\n"
    document = read(text)
    assert document.flaws == ()
    assert document.data == {"x": {"a": 1, "b": 2}, "y": {"a": 1, "b": 3}, "z": {"a": 1, "b": 4, "c": 5}}
    assert document.spots[("y", "a")].value == Mark(1, 14)


def test_a_file_that_multiplies_itself_is_stopped() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert [name for _, _, name in flaws("\n".join(lines))] == ["too_deep"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_unicode_encodings_are_read(encoding: str) -> None:
    assert decode("公司: 深圳\r\n".encode(encoding)) == "公司: 深圳\r\n"


def test_gbk_is_told_at_its_first_character() -> None:
    flaw = decode("a: 1\n# 公司\n".encode("gbk"))
    assert isinstance(flaw, Flaw)
    assert (flaw.name, flaw.mark) == ("not_gbk", Mark(2, 3))


def test_other_bytes_are_told_too() -> None:
    flaw = decode(b"a: 1\nb: \xff\xff\xff\n")
    assert isinstance(flaw, Flaw)
    assert (flaw.name, flaw.mark) == ("not_utf8", Mark(2, 4))


def test_a_huge_file_is_not_read() -> None:
    flaw = decode(b"x" * (MAX_BYTES + 1))
    assert isinstance(flaw, Flaw)
    assert flaw.name == "too_big"


@settings(max_examples=300)
@given(st.text(alphabet="ab:-[]{}'\"\n\t #&*!|>%@,?0 公"))
def test_any_text_gives_data_or_flaws_with_a_place_in_it(text: str) -> None:
    document = read(text)
    assert isinstance(document, Document)
    for flaw in document.flaws:
        assert 1 <= flaw.mark.line <= text.count("\n") + 2
        assert known(flaw.what.id)
        assert known(flaw.mend.id)


@given(st.binary(max_size=200))
def test_any_bytes_are_text_or_a_flaw(raw: bytes) -> None:
    assert isinstance(decode(raw), str | Flaw)
