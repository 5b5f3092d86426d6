"""Violations where the document is wrong: at most ten a vendor, each with the page that shows it.

`pattern` is an expression for the whole text of a violation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.documents.document import Violation

MOST = 10


@dataclass(frozen=True, slots=True)
class Explained:
    vendor: str
    pattern: str
    why: str
    page: str


_HUBSPOT = "https://developers.hubspot.com/docs"
_ZOHO = "https://www.zoho.com/crm/developer/docs/api/v8"
_OBJECTS = "https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference"

EXPLAINED: tuple[Explained, ...] = (
    Explained(
        "salesforce",
        r"EmailMessage: IsExternallyVisible (is updateable|was written), told .*",
        "The table of flags forgets it; the text of the same page lets it be changed after a mail was sent.",
        f"{_OBJECTS}/sforce_api_objects_emailmessage.htm",
    ),
    Explained(
        "hubspot",
        r".*: [45]\d\d \$: (status|errorType|policyName|requestId) is not told|.*: 429 \$: 'category' is missing",
        "Refusals carry `status: error`, those of a pool errorType and policyName instead of a category.",
        f"{_HUBSPOT}/developer-tooling/platform/usage-guidelines",
    ),
    Explained(
        "hubspot",
        r".*: 4(00|15) \$: 'category' is missing",
        "A body that cannot be read is refused with status, message and correlationId alone.",
        "https://github.com/Chinchilla-Software-Com/HubSpot.NET/issues/23",
    ),
    Explained(
        "hubspot",
        r".*: 20[01] \$(\.results\[\])?: warnings is not told",
        "From 2026-09 on a value that was put right is answered with warnings, which came after the document.",
        "https://developers.hubspot.com/changelog/crm-api-write-validation-enforcement",
    ),
    Explained(
        "hubspot",
        r".*: status 207 is not told",
        "The document of 2026-09 lists no 207, which the guide promises for batches that went well in part.",
        f"{_HUBSPOT}/api-reference/error-handling",
    ),
    Explained(
        "hubspot",
        r"POST .*: request \$(\.inputs\[\])?: '(after|limit|properties|sorts|propertiesWithHistory|associations)' is missing"
        r"|POST .*/search: request \$\.sorts\[\]: dict instead of string",
        "The guides' examples leave out what the document requires, and sort by objects.",
        f"{_HUBSPOT}/api-reference/latest/crm/search-the-crm",
    ),
    Explained(
        "hubspot",
        r".*: 200 \$\.results\[\]\.(to\[\]\.)?(associationTypes\[\]\.)?label: null instead of string",
        "An association without a label has the label null in the guide's answers.",
        f"{_HUBSPOT}/api-reference/latest/crm/associations/associate-records/guide",
    ),
    Explained(
        "hubspot",
        r"GET /crm/owners/2026-09(/.*)?: 200 .*userId: null instead of integer",
        "A deactivated owner has no user, which the guide tells by null.",
        f"{_HUBSPOT}/api-reference/latest/crm/owners/guide",
    ),
    Explained(
        "hubspot",
        r"POST /oauth/2026-09/token(/revoke)?: (status 200 is not told|400 .*)"
        r"|POST /oauth/2026-09/token/introspect: 200 \$: \w+ is not told",
        "The document of 2026-09 forgets the answers that the guide and the document of 2026-03 show.",
        f"{_HUBSPOT}/api-reference/latest/authentication/manage-oauth-tokens",
    ),
    Explained(
        "zoho",
        r".*: null instead of (object|string|array|integer|boolean)",
        "The documents mark nearly nothing nullable; the pages' answers hold null wherever nothing is set.",
        f"{_ZOHO}/field-meta.html",
    ),
    Explained(
        "zoho",
        r".*\$\.(fields|layouts\[\]\.sections\[\]\.fields|modules\[\]\.fields)\[\](\.(autonumber|multiuserlookup))?: '[\w.]+' is missing"
        r"|GET /crm/bulk/v8/read/\{job_id\}: 200 \$\.data\[\]\.query: 'file_type' is missing",
        "What only a request needs is required of answers too; the pages' fields and exports lack it.",
        f"{_ZOHO}/field-meta.html {_ZOHO}/bulk-read/get-job-details.html",
    ),
    Explained(
        "zoho",
        r"GET /crm/v8/settings/modules: .*'(custom_view|fields|layouts|related_lists)' is missing",
        "These come with a single module; the page's list of modules has none of them.",
        f"{_ZOHO}/modules-api.html",
    ),
    Explained(
        "zoho",
        r"GET /crm/v8/users.*: 200 (\$\.users\[\]\.time_zone: str instead of .*|\$\.count: int instead of string)",
        "The page's users have a time zone as text, and a count as number.",
        f"{_ZOHO}/get-users.html",
    ),
    Explained(
        "zoho",
        r"GET /crm/v8/.*/actions/blueprint: 200 .*",
        "The page's answer has ids as text, empty objects where nothing applies, and nothing of the request's body.",
        f"{_ZOHO}/get-blueprint.html",
    ),
    Explained(
        "zoho",
        r".*: 400 \$\.?.*(code: '\w+' is none of the values|details: '\w+' is missing)",
        "Each document lists a few codes of its own; the page of all codes has these.",
        f"{_ZOHO}/status-codes.html",
    ),
    Explained(
        "zoho",
        r"PUT /crm/v8/.*/actions/blueprint: 200 \$\.message: 'transition saved partially' is none of the values"
        r"|PUT /crm/v8/.*/actions/blueprint: request \$\.blueprint\[\]: '(process_info|transitions)' is missing",
        "The page's request names a transition and its data, and transitions may be saved in part.",
        "https://www.zoho.com/crm/developer/docs/api/v7/update-blueprint.html",
    ),
    Explained(
        "zoho",
        r"GET /crm/v8/(.*/Emails/\{message_id\}|users/\{user\}): 200 \$: 'info' is missing",
        "One mail or user has no pages; the answer on the page is that alone.",
        f"{_ZOHO}/view-email-rel-list.html",
    ),
    Explained(
        "zoho",
        r".*: 200 \$\.(watch\[\]\.channel_id: str instead of object|data\[\]\.id: str instead of integer)",
        "Ids are numbers as text on the pages.",
        f"{_ZOHO}/notifications/overview.html",
    ),
    Explained(
        "zoho",
        r"POST /crm/v8/.*/actions/associate_email: request \$\.Emails\[\]: 'linked_record' is missing",
        "The page's example links no deal, and the later document leaves it out of what is required.",
        f"{_ZOHO}/associate-email.html",
    ),
    Explained(
        "salesforce",
        r"Lead: Company is not nillable, told otherwise",
        "The flags are those of an org with person accounts; the text says Required, and others refuse a lead without.",
        f"{_OBJECTS}/sforce_api_objects_lead.htm",
    ),
)


def explanation(violation: Violation) -> Explained | None:
    """The row that explains a violation, or None."""
    rows = (row for row in EXPLAINED if row.vendor == violation.vendor)
    return next((row for row in rows if re.fullmatch(row.pattern, f"{violation.where}: {violation.what}")), None)
