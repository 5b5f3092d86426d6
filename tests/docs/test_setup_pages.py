"""The pages an administrator follows: what they ask for is what the connectors ask for, in both languages."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path

import pytest
import yaml

from connectors.crm import hubspot_setup_map, salesforce_setup_map, zoho_parse
from connectors.mail import graph_parse
from connectors.mail.gmail_api import UNITS
from connectors.mail.gmail_config import GmailConfig
from connectors.mail.graph_config import DeviceCodeAuth
from tradepost.config.kinds import find_kind
from tradepost.config.schema import SHIPPED
from tradepost.messages import Language, catalogue, say
from tradepost.phrases import own_files, phrase, read_phrases

PAGES = Path(__file__).parents[2] / "docs/setup"
CODE = re.compile(r"`([^`\n]+)`")


def page(name: str, language: str = "") -> str:
    return (PAGES / f"{name}{language}.md").read_text(encoding="utf-8")


def table(text: str, heading: str) -> list[list[str]]:
    """The rows of the first table whose heading begins with this cell."""
    lines = text[text.index(f"| {heading}") :].splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]
    return rows[: next(n for n, line in enumerate(lines[2:]) if not line.startswith("|"))]


def permissions_asked_for(text: str, heading: str) -> set[str]:
    """What stands in code in the first column."""
    return {code for row in table(text, heading) for code in CODE.findall(row[0])}


# ----------------------------------------------------------------------------------------------------------- every page


@pytest.mark.parametrize("name", SHIPPED)
def test_every_connector_has_a_page_in_both_languages_that_lead_to_each_other(name):
    assert f"]({name}.zh.md)" in page(name)
    assert f"]({name}.md)" in page(name, ".zh")


def blocks(text: str) -> list[str]:
    """Blocks of code without their comments and without what is to be put in by hand."""
    found = re.findall(r"^ *```\w*\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)
    return [re.sub(r"<[^>]*>|(?<!\S)#.*", "", block).replace(" \n", "\n") for block in found]


def in_chinese(block: str) -> str:
    """What the commands of a block print is Chinese in the Chinese terminal."""
    head = say("setup.plan", Language.EN, target="crm")
    lines = block.replace(head, say("setup.plan", Language.ZH, target="crm")).splitlines()
    return "\n".join(re.sub(r"^  - (.+)$", lambda m: f"  - {phrase(m[1], Language.ZH)}", line) for line in lines)


VALUES = re.compile(r"……|，或|tradepost_key|EmailMessage| Task\b")


@pytest.mark.parametrize("name", SHIPPED)
def test_what_a_page_says_that_check_says_is_what_it_says(name):
    """The first column of the last table, in each language: parts of sentences, with dots for the rest."""
    spoken = [f"{said}\n" for said in (*catalogue(Language.ZH).values(), *phrases().values())]
    spoken = [re.sub(r"\{\w+\}", "", said) for said in spoken]
    text = page(name, ".zh")
    rows = table(text, next(h for h in ("提示", "它说") if f"| {h}" in text))
    for cell in (row[0] for row in rows):
        for part in (p for told in cell.split("、") for p in VALUES.split(told) if p.strip()):
            assert any(part.strip() in said for said in spoken), (cell, part)


def phrases() -> dict[str, str]:
    return {english: said for file in own_files(Language.ZH) for english, said in read_phrases(file).items()}


@pytest.mark.parametrize("name", SHIPPED)
def test_both_languages_say_the_same_commands_words_and_pages(name):
    english, chinese = page(name), page(name, ".zh")
    assert [in_chinese(b).split() for b in blocks(english)] == [b.split() for b in blocks(chinese)]
    assert set(CODE.findall(english)) == set(CODE.findall(chinese))
    for kind in (r"^#", r"^\|", r"^\d\. "):
        assert len(re.findall(kind, english, re.MULTILINE)) == len(re.findall(kind, chinese, re.MULTILINE)), kind
    links = re.compile(r"https://[^)>`\s]+")
    assert sorted(set(links.findall(english))) == sorted(set(links.findall(chinese)))


@pytest.mark.parametrize("language", ["", ".zh"])
@pytest.mark.parametrize("name", SHIPPED)
def test_the_configurations_of_a_page_are_taken_by_the_connector(name, language):
    kind = find_kind(name)
    assert kind is not None
    found = re.findall(r"^ *```yaml\n(.*?)^ *```", page(name, language), re.DOTALL | re.MULTILINE)
    whole = [data for block in found if "connections" in (data := yaml.safe_load(block))]
    assert whole
    common = {"type", "writes", "on_unknown", "owners", "default_owner"}
    for data in whole:
        for section in data["connections"].values():
            assert section["type"] == name
            kind.config.model_validate({key: value for key, value in section.items() if key not in common})
    sections = (data for data in map(yaml.safe_load, found) if "connections" not in data)
    for data in sections:
        own = {**next(iter(whole[0]["connections"].values())), **data}
        kind.config.model_validate({key: value for key, value in own.items() if key not in common})


# ------------------------------------------------------------------------------------------- what each permission is for


def test_gmail_asks_for_the_scope_of_its_page_which_is_enough_for_every_call():
    text = page("gmail")
    (scope,) = GmailConfig.model_fields["scopes"].default
    assert set(re.findall(r"https://www\.googleapis\.com/auth/[\w.]+", text)) == {scope}
    calls = {code for row in table(text, "with") for code in CODE.findall(row[0])}
    assert calls == set(UNITS)
    discovery = files("googleapiclient.discovery_cache.documents").joinpath("gmail.v1.json").read_text(encoding="utf-8")
    users = json.loads(discovery)["resources"]["users"]
    for call in calls:
        *way, method = call.split(".")
        at = users
        for step in way:
            at = at["resources"][step]
        assert scope in at["methods"][method]["scopes"], call


def test_microsoft_365_asks_for_the_permissions_of_its_page():
    rows = table(page("microsoft365"), "permission")
    delegated = {code for row in rows if "delegated" in row[1] for code in CODE.findall(row[0])}
    application = {code for row in rows if "delegated" not in row[1] for code in CODE.findall(row[0])}
    assert set(DeviceCodeAuth.model_fields["scopes"].default) <= delegated
    permission = re.compile(r"(?:Application )?(?:Mail|User)\.Read\w*(?:\.\w+)?")
    by_app = permission.findall(graph_parse.DENIED_APP + graph_parse.DIRECTORY_APP)
    by_person = permission.findall(graph_parse.DENIED_PERSON + graph_parse.DIRECTORY_PERSON)
    assert application == set(by_app)
    assert delegated == set(by_person)


def test_hubspot_asks_for_the_scopes_of_its_page():
    text = page("hubspot")
    rows = table(text, "scope")
    told = permissions_asked_for(text, "scope")
    needed = {scope.name for scope in hubspot_setup_map.SCOPES}
    spare = {code for row in rows if "may be left out" in row[1] or "step 4" in row[1] for code in CODE.findall(row[0])}
    assert told - spare == needed
    (consent,) = re.findall(r"&scope=(\S+)", text)
    assert set(consent.split("%20")) == needed | {"oauth"}
    problem = hubspot_setup_map.key_problems({"emails": hubspot_setup_map.Shape(known=False)})[0].mend
    wanted = set(re.findall(r"[\w-]+(?:\.[\w-]+){2,}|connected-[\w-]+", f"{hubspot_setup_map._SET_UP} {problem}"))
    assert wanted
    assert wanted <= spare


def test_zoho_asks_for_the_scopes_of_its_page():
    text = page("zoho")
    told = permissions_asked_for(text, "scope")
    (line,) = [line.strip() for line in text.splitlines() if line.strip().startswith("ZohoCRM.") and "," in line]
    assert told == set(line.split(","))
    named = " ".join([*zoho_parse.SCOPES.values(), zoho_parse._RECORDS])
    asked = set(re.findall(r"[\w.]+\.[A-Z]+\b", named))
    granted = told | {
        scope.rpartition(".")[0] + right for scope in told if scope.endswith(".ALL") for right in (".READ", ".CREATE")
    }
    assert asked <= granted
    # What no call of ours is said to need, Zoho's search does: https://www.zoho.com/crm/developer/docs/api/v8/search-records.html
    idle = {s for s in told if s not in asked and not any(a.rpartition(".")[0] == s.rpartition(".")[0] for a in asked)}
    assert idle == {"ZohoSearch.securesearch.READ"}


OBJECTS = {
    "EmailMessage": "Email Messages",
    "Contact": "Contacts",
    "Lead": "Leads",
    "Account": "Accounts",
    "Opportunity": "Opportunities",
}
FIELDS = {"Email": "Email", "AccountId": "Account Name", "Website": "Website", "StageName": "Stage"}


@pytest.mark.parametrize("sobject", sorted(OBJECTS))
def test_salesforce_asks_for_the_rights_of_its_page(sobject):
    rights = " ".join(row[1] for row in table(page("salesforce"), "where") if row[0] == f"Object {OBJECTS[sobject]}")
    need = salesforce_setup_map.NEEDS[sobject]
    asked = {salesforce_setup_map._RIGHTS[right] for right in need.rights} | {"Read"}
    if sobject == "EmailMessage":
        asked |= {"Delete"}  # what `Capability` of Remove depends on
    assert set(re.findall(r"\b(?:Read|Create|Edit|Delete)\b", rights)) == asked
    if sobject not in ("EmailMessage", "Lead"):
        words = {FIELDS[name] for name in (*need.fields, *need.useful) if name in FIELDS}
        assert {word for word in FIELDS.values() if word in rights} == words


def test_salesforce_makes_what_its_page_shows():
    state = salesforce_setup_map.OrgState(frozenset(), "", frozenset(), assigned=False, ready=frozenset())
    shown = re.findall(r"^  - (.+)$", page("salesforce"), re.MULTILINE)
    assert shown == [step.sentence for step in salesforce_setup_map.steps_of(state)]
