"""What the simulator enforces, rule by rule, and what it decides where the vendor's documents are silent.

A test that holds against `Strictness()` must fail when its field alone is False; so each rule is asked at one place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Strictness:
    """One rule a field; all hold at Zoho."""

    token_error_is_200: bool = True
    """Errors of the token endpoint come with status 200; lax: 400."""
    ten_tokens_in_ten_minutes: bool = True
    """An eleventh access token of a refresh token within ten minutes is denied."""
    live_tokens_capped: bool = True
    """The sixteenth live access token of a refresh token kills the oldest."""
    tokens_expire: bool = True
    """An access token is refused after an hour."""
    grant_code_once: bool = True
    """A grant code is good for one exchange within its minutes."""
    scopes_checked: bool = True
    """A call outside the token's scopes is OAUTH_SCOPE_MISMATCH."""
    empty_is_204: bool = True
    """Nothing found is 204 without a body; lax: 200 with an empty list."""
    not_modified_is_304: bool = True
    """Nothing newer than If-Modified-Since is 304; lax: everything is listed."""
    partial_is_207: bool = True
    """A write that failed for some of its records is 207; lax: as if all were well."""
    credits: bool = True
    """Credits of a rolling day run out by edition: 429."""
    concurrency: bool = True
    """Calls in flight are limited by edition: 429."""
    sub_concurrency: bool = True
    """At most ten heavy calls are in flight: 429."""
    blueprint: bool = True
    """A field driven by a blueprint is moved by its transitions only."""
    locked_records: bool = True
    """A locked record is not changed."""
    approval_awaited: bool = True
    """A record that waits for approval is not changed."""
    converted_leads_closed: bool = True
    """A converted lead is not changed."""
    page_tokens_needed: bool = True
    """Beyond 2,000 records a list goes on with page_token only."""
    page_token_expires: bool = True
    """A page token lives 24 hours."""
    page_token_bound: bool = True
    """A page token is good for the query it came from only, and not together with `page`."""
    one_email_per_call: bool = True
    """associate_email takes one element."""
    email_mandatory_keys: bool = True
    """associate_email refuses a mail without from, to, subject, content, date_time, sent or original_message_id."""
    email_caps: bool = True
    """Subject 250, content 32,000 and original_message_id 255 characters at most."""
    email_on_its_record_only: bool = True
    """An associated mail shows on its record (and the deal linked to it) and nowhere else; lax: on the account too."""
    ten_emails_a_page: bool = True
    """The list of a record's e-mails gives ten a call."""
    linked_record_one_deal: bool = True
    """A mail is linked to one deal at a time."""
    unique_fields_enforced: bool = True
    """A value of a unique field exists once: DUPLICATE_DATA."""
    upsert_needs_unique_field: bool = True
    """duplicate_check_fields names system duplicate fields or unique fields only."""
    deal_name_upsert_default: bool = True
    """An upsert of deals without duplicate_check_fields matches on Deal_Name."""
    fields_required: bool = True
    """A list needs the parameter `fields`."""
    fifty_fields: bool = True
    """`fields` names fifty at most."""
    hundred_records_a_call: bool = True
    """A write takes a hundred records at most."""
    mandatory_fields: bool = True
    """A record needs its mandatory fields."""
    lengths_checked: bool = True
    """A value longer than its field is refused."""
    offsets_needed: bool = True
    """A date-time needs an offset from UTC and has no fractions of a second."""
    picklist_stage_checked: bool = True
    """A stage must belong to the deal's pipeline."""
    unmodified_since: bool = True
    """If-Unmodified-Since guards an update: 412."""
    search_lag: bool = True
    """Search sees a change only after the index has it."""
    search_capped: bool = True
    """Search reaches 2,000 records."""
    search_conditions_capped: bool = True
    """Search takes 15 conditions."""
    coql_needs_where: bool = True
    """A COQL query has a WHERE clause."""
    coql_capped: bool = True
    """A COQL query gives 2,000 rows at most."""
    inactive_owner_refused: bool = True
    """A user who was deactivated cannot become an owner."""
    who_is_a_contact: bool = True
    """Who_Id of an activity is a contact; all else is a What_Id with $se_module."""


@dataclass(slots=True, kw_only=True)
class Unknowns:
    """Facts that nobody could confirm. Each default is the case that is worse for a client."""

    repeated_message_id: Literal["second", "same", "refused"] = "second"
    """What a repeated original_message_id on one record makes."""
    email_available: bool = False
    """Whether GET actions/email_available is still there; the later documents have dropped it."""
    expired_token_code: Literal["INVALID_TOKEN", "AUTHENTICATION_FAILURE"] = "INVALID_TOKEN"
    """The code of the 401 for an expired token; both are reported."""
    search_lag_seconds: float = 30.0
    """How far the search index is behind."""
    credits_code: Literal["TOO_MANY_REQUESTS", "RATE_LIMIT_EXCEEDED"] = "TOO_MANY_REQUESTS"
    """The code of a 429; the documents disagree."""
    wrong_stage_code: Literal["MAPPING_MISMATCH", "INVALID_DATA"] = "MAPPING_MISMATCH"
    """The code for a stage of another pipeline."""
    deal_prediction: bool = False
    """Whether incoming mail that the CRM itself collects is linked to the contact's open deal."""
    rich_lists: bool = False
    """Whether open related lists of activities hold the closed ones too."""
