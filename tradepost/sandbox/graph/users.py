"""Users, the organisation and mailbox settings: what mail tools ask of the directory.

https://learn.microsoft.com/graph/api/resources/user.
"""

from __future__ import annotations

from dataclasses import replace

from tradepost.sandbox.graph import advanced, lists
from tradepost.sandbox.graph.call import Call, Need, Reply, Route
from tradepost.sandbox.graph.people import User
from tradepost.sandbox.graph.view import USER, Json, pick, stamp

NAMES = frozenset(
    [
        "id",
        "displayName",
        "givenName",
        "surname",
        "mail",
        "userPrincipalName",
        "proxyAddresses",
        "otherMails",
        "accountEnabled",
        "userType",
        "businessPhones",
        "jobTitle",
        "mobilePhone",
        "officeLocation",
        "preferredLanguage",
        "createdDateTime",
        "mailNickname",
        "onPremisesSyncEnabled",
        "assignedLicenses",
        "assignedPlans",
        "department",
        "companyName",
        "usageLocation",
    ]
)
# Without $select: https://learn.microsoft.com/graph/api/user-get (default properties)
_DEFAULT = (
    "businessPhones",
    "displayName",
    "givenName",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
)
MAX_PAGE, PAGE = 999, 100


def whole(user: User) -> Json:
    """Every property the simulator knows of a user."""
    given, _, surname = user.name.partition(" ")
    return {
        "id": user.id,
        "businessPhones": [],
        "displayName": user.name,
        "givenName": given or None,
        "jobTitle": None,
        "mail": user.mail or None,
        "mobilePhone": None,
        "officeLocation": None,
        "preferredLanguage": None,
        "surname": surname or None,
        "userPrincipalName": user.upn,
        "proxyAddresses": [f"SMTP:{user.mail}", *(f"smtp:{alias}" for alias in user.aliases)] if user.mail else [],
        "otherMails": [],
        "accountEnabled": user.member,
        "userType": "Member",
        "createdDateTime": stamp(user.created),
        "mailNickname": user.upn.partition("@")[0],
        "onPremisesSyncEnabled": None,
        "assignedLicenses": [],
        "assignedPlans": [],
        "department": None,
        "companyName": None,
        "usageLocation": None,
    }


def get_user(call: Call) -> Reply:
    select = call.select(NAMES, USER)
    context = call.context("users", select) + "/$entity"
    return Reply(body={"@odata.context": context} | pick(whole(call.owner), select or _DEFAULT))


def _searched(call: Call) -> list[User]:
    """The users by name; those only that $search finds."""
    users = sorted(call.tenant.directory.users.values(), key=lambda user: (user.name.lower(), user.id))
    if "search" not in call.options:
        return users
    test = advanced.compile_search(call.options["search"], NAMES)
    return [user for user in users if test(whole(user))]


def list_users(call: Call) -> Reply:
    call = advanced.admitted(call, NAMES, USER)
    select = call.select(NAMES, USER)
    users = _searched(call)
    page = lists.plain(call, users, whole, names=NAMES, kind=USER, max_page=MAX_PAGE, default=PAGE, token=True)
    rows = page.rows if select else [pick(row, _DEFAULT) for row in page.rows]
    return Reply(body=page.envelope(call, call.context("users", select), rows))


def count_users(call: Call) -> Reply:
    advanced.check_raw_count(call)
    counting = replace(call, options={**call.options, "count": "true", "top": "1"})
    page = lists.plain(counting, _searched(call), whole, names=NAMES, kind=USER)
    return Reply(body=str(page.total).encode(), kind="text/plain")


def organization(call: Call) -> Reply:
    directory = call.tenant.directory
    names = sorted(directory.names - {directory.tenant})
    found = {
        "id": directory.tenant,
        "displayName": directory.domain.split(".")[0].title(),
        "tenantType": "AAD",
        "verifiedDomains": [
            {"name": name, "isDefault": name == directory.domain, "isInitial": name.endswith("onmicrosoft.com")}
            for name in names
        ],
    }
    return Reply(body={"@odata.context": call.context("organization"), "value": [found]})


def settings(call: Call) -> Reply:
    """https://learn.microsoft.com/graph/api/user-get-mailboxsettings."""
    box = call.box
    languages = {
        "en": ("en-US", "English (United States)"),
        "zh": ("zh-CN", "Chinese (PRC)"),
        "de": ("de-DE", "German"),
    }
    locale, name = languages.get(box.language, languages["en"])
    found: Json = {
        "@odata.context": call.mail_context("mailboxSettings"),
        "archiveFolder": box.known("archive").id,
        "timeZone": "UTC",
        "language": {"locale": locale, "displayName": name},
        "userPurpose": "user",
        "automaticRepliesSetting": {"status": "disabled", "externalAudience": "none"},
    }
    return Reply(body=found)


def categories(call: Call) -> Reply:
    """Colours of the categories that mails of the mailbox carry."""
    used = sorted({name for item in call.box.items.values() for name in item.categories})
    value = [{"id": name, "displayName": name, "color": "preset0"} for name in used]
    return Reply(body={"@odata.context": call.mail_context("outlook/masterCategories"), "value": value})


ROUTES = (
    Route("GET", "users", "users.List", Need.USERS, list_users),
    Route("GET", "users/$count", "users.Count", Need.USERS, count_users),
    Route("GET", "users/{user}", "users.Get", Need.USERS, get_user),
    Route("GET", "organization", "organization.List", Need.USERS, organization),
    Route("GET", "users/{user}/mailboxsettings", "users.GetMailboxSettings", Need.SETTINGS, settings),
    Route(
        "GET", "users/{user}/outlook/mastercategories", "users.outlook.ListMasterCategories", Need.SETTINGS, categories
    ),
)
