"""What an administrator reads in Chinese, from every mailbox provider and every CRM, when nothing is as it should be."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.commands.office import Office, opened
from tradepost.sandbox.company import CRMS, MAIL, Company, exporter
from tradepost.sandbox.zoho import people

ENGLISH = re.compile(r"\b[a-z']{2,}( [a-z']{2,}){3,}|\b(?:The|This|Give|Add|Run|Create) [a-z]{2,}\b")
CHINESE = re.compile(r"[\u4e00-\u9fff]")
HUBSPOT = "crm.objects.deals.read", "crm.objects.owners.read", "sales-email-read"


def everything(world) -> Company:
    return exporter(world, mail=tuple(MAIL), crms=tuple(CRMS), mode=None)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with opened(tmp_path, company=everything, native_logging="ask") as made:
        made.environ["TRADEPOST_LANG"] = "zh"
        made.change(lambda data: [box.update(exclude_labels=["没有这个标签"]) for box in data["mailboxes"]])
        yield made


def troubles(office: Office) -> dict[str, list[str]]:
    """Everything that `check` says, by what it is about."""
    found = office.told("check")["checked"]
    return {row["subject"]: [text for t in row["troubles"] for text in (t["what"], t["mend"])] for row in found}


def is_chinese(text: str) -> bool:
    return bool(CHINESE.search(text)) and not ENGLISH.search(text)


def spoil(company: Company) -> None:
    """Take away what an administrator forgets to give."""
    vendors: dict[str, Any] = {vendor.name: vendor for vendor in company.vendors}
    vendors["hubspot"].portal.revoke(*HUBSPOT)
    org = vendors["salesforce"].org
    for name, calls in (("EmailMessage", "crud"), ("Lead", "cu"), ("Opportunity", "u")):
        org.close_object(org.integration_user_id, name, calls)
    org.hide_field(org.integration_user_id, "Contact", "Email")
    zoho = vendors["zoho"].org.state
    for user in list(zoho.store.rows("users")):
        zoho.store.change("users", user["id"], {"profile": people.STANDARD})
    zoho.commit()
    vendors["gmail"].set_scopes([])
    vendors["graph"].set_permissions(["User.ReadBasic.All"])


def test_check_and_setup_speak_chinese_of_every_vendor(office: Office) -> None:
    fresh = troubles(office)
    assert len(fresh) == 1 + len(office.company.mailboxes) + len(CRMS)
    assert [subject for subject, texts in fresh.items() if not texts] == ["tradepost"]
    told = [text for texts in fresh.values() for text in texts]
    assert [text for text in told if not is_chinese(text)] == []
    assert [text for text in told if "rules.stages" in text] == []  # each CRM has a stage that the shipped rules name

    code, out, _ = office.call("setup", "--yes")
    assert code == 0
    assert len(out.splitlines()) > 15
    assert [line for line in out.splitlines() if not is_chinese(line)] == []

    stages = [{"when": "order_received", "to": "没有这个阶段"}]
    office.change(lambda data: data.update(rules={"stages": stages}))
    office.do(spoil)
    for file in office.folder.rglob("tokens.db*"):  # tokens of before keep what they were given
        file.unlink()
    spoiled = troubles(office)
    assert {subject for subject, texts in spoiled.items() if texts != fresh[subject]} == set(fresh) - {"tradepost"}
    assert [text for texts in spoiled.values() for text in texts if not is_chinese(text)] == []
