"""Which of the vendor's rules are kept. A sandbox with one of them switched off is too kind, and a test must notice."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Strictness:
    """All True is HubSpot. Each rule is looked up at one place."""

    # search
    search_lag: bool = True
    """Search sees a write only after the index's lag."""
    search_cap: bool = True
    """Paging beyond 10,000 results of one search is refused."""
    search_page_cap: bool = True
    """A search page holds 200 at most."""
    search_body_cap: bool = True
    """A search body longer than 3,000 characters is refused."""
    search_filter_cap: bool = True
    """A search has at most 5 groups, 6 filters a group, 18 filters."""
    search_pool: bool = True
    """5 searches a second for the whole account."""
    search_without_rate_headers: bool = True
    """Search replies carry no rate headers."""
    archived_not_in_search: bool = True
    """Archived records are not found."""
    in_values_lower_case: bool = True
    """IN on text finds lower-case values only."""
    additional_emails_apart: bool = True
    """EQ on email does not look into hs_additional_emails."""

    # quotas
    ten_second_pool: bool = True
    """A rolling pool of requests in ten seconds for each app."""
    daily_pool: bool = True
    """A daily pool of the account, shared by its keys."""
    daily_pool_resets_at_account_midnight: bool = True
    """The day ends at midnight of the account's time zone."""

    # batches and listings
    batch_cap: bool = True
    """A batch of records has at most 100 inputs."""
    history_cap: bool = True
    """With property histories at most 50 records are read at once."""
    page_cap: bool = True
    """A page of a listing holds 100 at most."""
    trace_ids_needed_for_207: bool = True
    """Creates and upserts are answered one by one only if every input has objectWriteTraceId; else all or none."""
    missing_ids_are_207: bool = True
    """A batch read names the ids that it did not find, with status 207."""
    upsert_refuses_associations: bool = True
    """An upsert's input has no associations."""
    unique_property_needed: bool = True
    """Reading or writing by a property that is not unique is refused; batch update by a contact's email too."""

    # values
    ids_are_strings: bool = True
    """Ids and property values are strings in JSON."""
    unknown_property_refused: bool = True
    """A write to a property that does not exist is refused."""
    read_only_refused: bool = True
    """A write to a read-only property is refused."""
    enumeration_values_checked: bool = True
    """Options are checked: a stage is written by its id, never by its label."""
    dates_checked: bool = True
    """Times must be ISO-8601 or milliseconds; dates midnight UTC."""
    required_on_create: bool = True
    """What an object needs to be created (hs_timestamp, dealname and so on) is demanded."""
    write_validation: bool = True
    """Rules of the account's administrator refuse writes through the API."""
    unique_values_enforced: bool = True
    """Two records never share an email or a unique value."""
    lifecycle_only_forward: bool = True
    """lifecyclestage does not go back unless it is cleared first."""
    headers_fill_read_only: bool = True
    """hs_email_headers fills hs_email_from_*, hs_email_to_* and so on, which cannot be written."""
    property_history_kept: bool = True
    """Each value's history tells what and who set it."""

    # records
    merge_makes_new_id: bool = True
    """A merge makes a record with a new id."""
    old_ids_resolve: bool = True
    """The ids of merged records lead to the merged one."""
    archived_owner_hidden: bool = True
    """A deactivated owner is listed with archived=true only, and owns nothing new."""
    association_types_checked: bool = True
    """An association needs a type id that leads between the two kinds, and a living target."""
    primary_company_replaced: bool = True
    """A primary association takes the place of the earlier one."""
    unlinked_ids_are_errors: bool = True
    """Reading associations names ids without any as errors, with status 207."""

    # access
    scopes_checked: bool = True
    """Calls need the scopes of the key."""
    redacted_without_scope: bool = True
    """Contents of mails need the scope sales-email-read."""
    access_tokens_expire: bool = True
    """OAuth access tokens live 30 minutes."""
    refresh_tokens_checked: bool = True
    """A revoked refresh token is answered with BAD_REFRESH_TOKEN."""
    oauth_secrets_in_form: bool = True
    """Dated token endpoints read secrets from the form body only."""
