"""A configuration becomes settings, or every mistake is told at its place, without a value of the file."""

import re
from collections.abc import Callable
from datetime import date, time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync.model import NewSender
from sync.outbox import OnUnknown
from tradepost.config import ConfigError, Settings, find_config, load, peek_language
from tradepost.errors import UserError
from tradepost.messages import Language

Problems = Callable[[str], list[tuple[int, int, str, str]]]
Loaded = Callable[[str], Settings]
Written = Callable[..., Path]


def test_the_least_configuration_is_enough(loaded: Loaded, good: str) -> None:
    found = loaded(good)
    box = found.mailboxes[0]
    assert (box.address, box.account, box.targets) == ("alice@acme.example", "google", ("crm",))
    assert box.entry.new_sender is NewSender.TASK
    assert found.crm["crm"].common.writes == "off"
    assert found.crm["crm"].common.on_unknown is OnUnknown.PARK
    assert found.mail["google"].config.auth.key_id == "0051"  # type: ignore[attr-defined]
    assert found.mail["google"].connector.__name__ == "Mail"
    assert found.language is None
    assert found.state_directory == Path("/var/lib/tradepost")


def test_everything_can_be_said(loaded: Loaded) -> None:
    found = loaded(
        """\
        language: zh
        company:
          name: 深圳贸易有限公司
          domains: ["@Acme.Example", 例子.公司]
          extra_addresses: [Sales@QQ.com]
          calendar:
            zone: Asia/Shanghai
            hours: {mon-thu: "09:00-12:00, 13:30-18:00", fri: 09:00-17:00, "sat,sun": closed}
            holidays: cn
            extra_days_off: [2026-05-04]
            extra_work_days: ["2026-05-09"]
        state: {directory: state, key: {credential: state-key}}
        connections:
          google: {type: "strangers:Mail", auth: {method: app, client_id: x, client_secret: {file: /s}}, parallel: 5}
          crm: &crm
            type: strangers:Crm
            token: {env: TOKEN}
            writes: on
            on_unknown: resend
            owners: {Alice@acme.example: 005}
            default_owner: 1234
          other: {<<: *crm, writes: true, owners: {}, region: us}
        mailboxes:
          - addresses: [alice@acme.example, bob@acme.example]
            connection: google
            targets: [other, crm]
            start: 2026-01-01
            new_sender: create
            include_junk: true
            exclude_labels: [Private, 私人]
        poll: {mail_seconds: 30, crm_seconds: 45.5}
        retention: {facts_months: 12, waiting_days: 30, bodies_days: 0}
        log: {level: debug, format: console}
        """
    )
    calendar = found.company.calendar
    assert found.language is Language.ZH
    assert found.company.domains == ("acme.example", "xn--fsqu00a.xn--55qx5d")
    assert found.company.extra_addresses == ("sales@qq.com",)
    assert calendar.week[0] == ((time(9), time(12)), (time(13, 30), time(18)))
    assert calendar.week[4:] == (((time(9), time(17)),), (), ())
    assert (calendar.holidays, calendar.extra_days_off) == ("CN", (date(2026, 5, 4),))
    assert found.state_directory == found.file.parent / "state"
    crm = found.crm["crm"].common
    assert (crm.writes, crm.on_unknown, crm.owners) == ("on", OnUnknown.RESEND, {"alice@acme.example": "005"})
    assert crm.default_owner == "1234"
    assert found.crm["other"].common.writes == "on"
    assert found.crm["other"].config.region == "us"  # type: ignore[attr-defined]
    assert [m.address for m in found.mailboxes] == ["alice@acme.example", "bob@acme.example"]
    assert found.mailboxes[1].targets == ("other", "crm")
    assert found.mailboxes[1].entry.start == date(2026, 1, 1)
    assert found.poll.crm_seconds == 45.5
    assert found.retention.bodies_days == 0
    rules = found.rules.rule_set
    assert rules.own.addresses == {"sales@qq.com", "alice@acme.example", "bob@acme.example"}
    assert rules.calendar.is_working_day(date(2026, 5, 9))
    assert not rules.calendar.is_working_day(date(2026, 5, 4))


def test_settings_are_frozen(loaded: Loaded, good: str) -> None:
    with pytest.raises(Exception, match="frozen"):
        loaded(good).company.name = "x"  # type: ignore[misc]


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file(problems: Problems) -> None:
    found = problems(
        """\
        langauge: zh
        company:
          domains: [acme.example, gmail.com]
          calendar: {zone: Asia/Shanghia, hours: {mon-fri: 9-18}}
        connections:
          google:
            type: strangers:Mail
            auth: {method: key, key: sk-verysecret}
            paralel: 5
          crm:
            type: strangers:Crm
            tokn: {env: TOKEN}
            owners: {bob@acme.example: x}
        mailboxes:
          - address: alice@acme.example
            connection: gogle
            start: tomorrow
          - {address: Alice@acme.example}
        log: {level: loud}
        """
    )
    assert found == [
        (1, 1, "", "unknown_key_near"),
        (3, 27, "company.domains[2]", "freemail_domain"),
        (4, 20, "company.calendar.zone", "not_zone"),
        (4, 42, "company.calendar.hours", "not_hours"),
        (8, 11, "connections.google.auth", "missing"),
        (8, 30, "connections.google.auth.key", "secret_literal"),
        (9, 5, "connections.google", "unknown_key_near"),
        (11, 5, "connections.crm", "missing"),
        (12, 5, "connections.crm", "unknown_key_near"),
        (13, 14, "connections.crm.owners", "owner_without_mailbox"),
        (16, 17, "mailboxes[1].connection", "unknown_connection"),
        (17, 12, "mailboxes[1].start", "not_date"),
        (18, 15, "mailboxes[2].address", "address_twice"),
        (19, 14, "log.level", "not_choice"),
    ]


ONE = [
    ("company: [x]\n", "company", "not_section"),
    ("company: {}\n", "company", "nobody_ours"),
    ("company: {domains: acme.example}\n", "company.domains", "not_list"),
    ("company: {domains: ['https://acme.example']}\n", "company.domains[1]", "not_domain"),
    ("company: {domains: [qq.com]}\n", "company.domains[1]", "freemail_domain"),
    ("company: {extra_addresses: [alice]}\n", "company.extra_addresses[1]", "not_email"),
    ("company: {extra_addresses: ['a b@acme.example']}\n", "company.extra_addresses[1]", "not_email"),
    ("company: {domains: [a.example], name: [x]}\n", "company.name", "not_text"),
    ("company: {domains: [a.example], calendar: {holidays: XX}}\n", "company.calendar.holidays", "not_holidays"),
    (
        "company: {domains: [a.example], calendar: {holidays: DE-XX}}\n",
        "company.calendar.holidays",
        "not_holidays_part",
    ),
    (
        "company: {domains: [a.example], calendar: {hours: {fri-mon: '9:00-10:00'}}}\n",
        "company.calendar.hours",
        "not_days",
    ),
    (
        "company: {domains: [a.example], calendar: {hours: {mon: '9:00-10:00', mon-fri: closed}}}\n",
        "company.calendar.hours",
        "days_twice",
    ),
    (
        "company: {domains: [a.example], calendar: {hours: {mon: '18:00-09:00'}}}\n",
        "company.calendar.hours",
        "hours_order",
    ),
    (
        "company: {domains: [a.example], calendar: {hours: {mon: '18:00-25:00'}}}\n",
        "company.calendar.hours",
        "not_hours",
    ),
    ("language: fr\n", "language", "not_choice"),
    ("poll: {mail_seconds: 0}\n", "poll.mail_seconds", "too_small"),
    ("poll: {mail_seconds: fast}\n", "poll.mail_seconds", "not_number"),
    ("poll: {mail_seconds: 1e9}\n", "poll.mail_seconds", "too_large"),
    ("retention: {facts_months: 1.5}\n", "retention.facts_months", "not_whole_number"),
    ("state: {key: abc}\n", "state.key", "secret_literal"),
    ("state: {key: {env: A, file: /b}}\n", "state.key", "secret_ref"),
    ("state: {key: {secret: x}}\n", "state.key", "unknown_key"),
    ("rules: [x]\n", "rules", "not_section"),
    ("rules: {silence: {after: soon}}\n", "rules.silence.after", "not_span"),
    ("rules: {silence: {afterwards: 3d}}\n", "rules.silence", "unknown_key_near"),
    ("rules: {log: {human: maybe}}\n", "rules.log.human", "not_choice"),
    ("rules: {exclusions: [{skip: mail}]}\n", "rules.exclusions[1]", "exclusion_empty"),
    ("rules: {stages: [{when: order_received, to: []}]}\n", "rules.stages[1]", "stage_missing"),
    (
        "rules: {stages: [{when: order_received, to: [{stage: x, target: crn}]}]}\n",
        "rules.stages[1].to[1].target",
        "unknown_connection",
    ),
    ("rules_file: nowhere.yaml\n", "rules_file", "no_such_file"),
    ("connections: {}\n", "connections", "nothing_listed"),
    ("mailboxes: []\n", "mailboxes", "nothing_listed"),
    ("mailboxes: [{}]\n", "mailboxes[1]", "one_address"),
    ("mailboxes: [{address: a@b.example, addresses: [c@b.example]}]\n", "mailboxes[1]", "one_address"),
    ("mailboxes: [{address: a@b.example, targets: crm}]\n", "mailboxes[1].targets", "not_list"),
    ("mailboxes: [{address: a@b.example, targets: [google]}]\n", "mailboxes[1].targets[1]", "wrong_side_crm"),
    ("mailboxes: [{address: a@b.example, connection: crm}]\n", "mailboxes[1].connection", "wrong_side_mail"),
    ("mailboxes: [{address: a@b.example, include_junk: sometimes}]\n", "mailboxes[1].include_junk", "not_boolean"),
    ("mailboxes: [{address: a@b.example, start: 2026-02-30}]\n", "mailboxes[1].start", "not_date"),
    ("mailboxes: [{addresses: [a@b.example, A@b.example]}]\n", "mailboxes[1].addresses[2]", "address_twice"),
]


@pytest.mark.parametrize(("change", "path", "name"), ONE)
def test_one_mistake_is_told_once_at_its_place(
    problems: Problems, good: str, change: str, path: str, name: str
) -> None:
    section = change.partition(":")[0]
    rest = re.sub(rf"(?m)^{section}:.*\n(  .*\n|- .*\n)*", "", good)
    told = [(place, what) for _, _, place, what in problems(rest + change)]
    assert (path, name) in told
    assert set(told) - {(path, name)} <= {("mailboxes[1]", "which_mail"), ("mailboxes[1]", "which_crm")}


CONNECTIONS = [
    ("type: 5", "connections.x", "missing"),
    ("type: gmial", "connections.x.type", "unknown_type_near"),
    ("type: sharepoint", "connections.x.type", "unknown_type"),
    ("type: strangers:Nothing", "connections.x.type", "unusable_type"),
    ("type: strangers:Half", "connections.x.type", "unusable_type"),
    ("type: strangers:Bare", "connections.x.type", "unusable_type"),
    ("type: nowhere_at_all:X", "connections.x.type", "unusable_type"),
    ("type: strangers:Mail", "connections.x", "missing"),
    ("type: strangers:Mail, auth: {client_id: x}", "connections.x.auth", "missing"),
    ("type: strangers:Mail, auth: {method: kee}", "connections.x.auth", "not_choice"),
    ("type: strangers:Mail, auth: {method: app, client_id: x}", "connections.x.auth", "missing"),
    ("type: strangers:Mail, auth: {method: key, key: {env: A}, key_id: x, key_idd: x}", "connections.x.auth", "unknown_key_near"),
    ("type: strangers:Mail, writes: on, auth: {method: key, key: {env: A}, key_id: x}", "connections.x", "unknown_key"),
    ("type: strangers:Mail, parallel: 51, auth: {method: key, key: {env: A}, key_id: x}", "connections.x.parallel", "too_large"),
    ("type: strangers:Crm, token: {env: A}, regoin: eu", "connections.x", "unknown_key_near"),
    ("type: strangers:Crm, token: {env: A}, region: asia", "connections.x.region", "not_choice"),
    ("type: strangers:Crm, token: {env: A}, writes: maybe", "connections.x.writes", "not_choice"),
    ("type: strangers:Crm, token: {env: A}, owners: {bob: x}", "connections.x.owners", "not_email"),
]  # fmt: skip


@pytest.mark.parametrize(("section", "path", "name"), CONNECTIONS)
def test_a_connection_is_checked_by_its_connector_too(
    problems: Problems, good: str, section: str, path: str, name: str
) -> None:
    told = [(place, what) for _, _, place, what in problems(good.replace("  crm:", f"  x: {{{section}}}\n  crm:"))]
    assert (path, name) in told


def test_both_missing_keys_of_a_chosen_way_to_sign_in_are_told(problems: Problems, good: str) -> None:
    text = good.replace("{method: key, key: {env: KEY}, key_id: 0051}", "{method: app}")
    assert [name for _, _, _, name in problems(text)] == ["missing", "missing"]


def test_a_name_of_a_connection_must_be_plain(problems: Problems, good: str) -> None:
    assert (4, 3, "connections", "not_name") in problems(good.replace("  google:", "  My Google:"))


def test_with_two_of_a_side_a_mailbox_must_choose(problems: Problems, good: str) -> None:
    text = good.replace("mailboxes:", "  crm2: {type: 'strangers:Crm', token: {env: T}}\nmailboxes:")
    assert [(path, name) for _, _, path, name in problems(text)] == [("mailboxes[1]", "which_crm")]


def test_a_file_of_rules_is_checked_in_its_own_place(written: Written, good: str) -> None:
    written("silence:\n  after: never\n", "rules.yaml")
    with pytest.raises(ConfigError) as error:
        load(written(good + "rules_file: rules.yaml\n"), {})
    (problem,) = error.value.problems
    assert (Path(problem.file).name, problem.mark.line, problem.path) == ("rules.yaml", 2, "silence.after")


def test_a_file_of_rules_changes_what_it_names_and_nothing_else(written: Written, good: str) -> None:
    written("silence: {after: 5d}\n", "rules.yaml")
    found = load(written(good + "rules_file: rules.yaml\n"), {}).rules
    usual = load(written(good), {}).rules
    assert found.rule_set.rules.silence.after.days == 5
    assert found.rule_set.rules.silence.again == usual.rule_set.rules.silence.again
    assert found.rule_set.rules.stages == usual.rule_set.rules.stages
    assert (found.file is not None, usual.file) == (True, None)


def test_rules_come_from_one_place(problems: Problems, written: Written, good: str) -> None:
    written("silence: {after: 5d}\n", "rules.yaml")
    text = good + "rules_file: rules.yaml\nrules: {}\n"
    assert [name for *_, name in problems(text)] == ["rules_twice"]


def test_empty_sections_count_as_left_out(loaded: Loaded, good: str) -> None:
    found = loaded(good + "poll:\nrules:\nlog: {level: }\nlanguage:\n")
    assert found.poll.mail_seconds == 60
    assert found.log.level == "info"


def test_a_required_section_may_not_be_empty(problems: Problems, good: str) -> None:
    text = good.replace("company:\n  domains: [acme.example]", "company:")
    assert (1, 9, "company", "nothing_there") in problems(text)


def test_a_broken_text_is_told_and_nothing_else(problems: Problems, good: str) -> None:
    assert problems(good + "x: 'open\n") == [(12, 4, "", "open_quote")]


def test_a_repeated_key_does_not_hide_other_mistakes(problems: Problems, good: str) -> None:
    told = problems(good + "log: {level: loud}\nlog: {}\n")
    assert [name for *_, name in told] == ["not_choice", "duplicate_key"]


@pytest.mark.parametrize("language", list(Language))
def test_a_problem_reads_file_line_column_what_and_mend(written: Written, good: str, language: Language) -> None:
    path = written(good + "pol: {}\n")
    with pytest.raises(ConfigError) as error:
        load(path, {})
    words = {
        "en": ("This key is not known here.", "Did you mean poll?", "Problems in the configuration: 1"),
        "zh": ("这里没有这个键。", "是不是想写 poll？", "配置中的问题：1 个"),
    }[language]
    assert error.value.say(language).splitlines() == [f"{path}:12:1: {words[0]}", f"    {words[1]}", words[2]]


SECRETS = (
    ("auth: {method: key, key: secretvalue, key_id: x}", "auth: {method: key, key: {env: KEY}, key_id: 0051}"),
    ("auth: {method: key, key: {secretvalue}, key_id: x}", "auth: {method: key, key: {env: KEY}, key_id: 0051}"),
    ("auth: {method: key, key: {env: {secretvalue: 1}}, key_id: x}", "auth: {method: key, key: {env: KEY}, key_id: 0051}"),
    ("auth: {method: secretvalue, key: {env: A}, key_id: x}", "auth: {method: key, key: {env: KEY}, key_id: 0051}"),
    ("auth: secretvalue", "auth: {method: key, key: {env: KEY}, key_id: 0051}"),
    ("base_url: secretvalue\n    parallel: secretvalue\n    secretvalue: 1\n    auth: [secretvalue]", "auth: {method: key, key: {env: KEY}, key_id: 0051}"),
    ("token: secretvalue", "token: {env: TOKEN}"),
    ("token: [secretvalue]", "token: {env: TOKEN}"),
    ("token: {command: secretvalue}\n    writes: secretvalue\n    owners: {secretvalue: secretvalue}", "token: {env: TOKEN}"),
    ("- address: secretvalue\n    targets: [secretvalue]\n    start: secretvalue", "- address: alice@acme.example"),
    ("domains: [secretvalue]\n  calendar: {zone: secretvalue, holidays: secretvalue, hours: {secretvalue: secretvalue}}", "domains: [acme.example]"),
    ("type: strangers:Crm\n    token: secretvalue: x", "type: strangers:Crm"),
)  # fmt: skip


@pytest.mark.parametrize(("wrong", "right"), SECRETS)
@pytest.mark.parametrize("language", list(Language))
def test_no_value_of_the_file_is_ever_printed(
    written: Written, good: str, wrong: str, right: str, language: Language
) -> None:
    assert right in good
    with pytest.raises(ConfigError) as error:
        load(written(good.replace(right, wrong)), {})
    assert "secretvalue" not in error.value.say(language)
    assert "secretvalue" not in f"{error.value!r} {error.value}"


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text("ab公@.:-0", max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "company",
                        "connections",
                        "mailboxes",
                        "rules",
                        "type",
                        "google",
                        "crm",
                        "owners",
                        "address",
                        "targets",
                        "auth",
                        "calendar",
                        "hours",
                        "stages",
                        "to",
                    ]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=20,
    )
)
def test_any_data_gives_settings_or_problems_and_never_another_error(tmp_path: Path, data: object) -> None:
    import yaml

    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    with pytest.raises(UserError) as error:
        load(path, {})
    assert error.value.say(Language.ZH)


@pytest.mark.parametrize("language", list(Language))
def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path: Path, language: Language) -> None:
    (tmp_path / "null").symlink_to("null")
    for path in (tmp_path / "missing.yaml", tmp_path, tmp_path / "null", Path("a\0b")):
        with pytest.raises(UserError) as error:
            load(path, {})
        assert len(error.value.say(language).splitlines()) == 1


def test_the_first_existing_place_is_taken(tmp_path: Path) -> None:
    first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
    second.touch()
    assert find_config(None, (first, second)) == second
    assert find_config(first, (second,)) == first
    with pytest.raises(UserError) as error:
        find_config(None, (first,))
    assert str(first) in error.value.say(Language.EN)


def test_systemd_names_the_state_folder(written: Written, good: str) -> None:
    assert load(written(good), {"STATE_DIRECTORY": "/var/lib/x:/y"}).state_directory == Path("/var/lib/x")


def test_the_language_can_be_seen_in_a_broken_file(written: Written) -> None:
    assert peek_language(written("language: zh\ncompany: [")) is None
    assert peek_language(written("language: zh\ncompany: 5\n")) == "zh"
    assert peek_language(Path("/nowhere.yaml")) is None
