"""Which of Gmail's rules are kept. A sandbox with one of them switched off is too kind, and a test must notice."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Strictness:
    """All True is Gmail. Each rule is looked up at one place."""

    # quotas
    unit_costs: bool = True
    """A call costs the units of its method; lax: one."""
    user_quota: bool = True
    """A user has 6,000 units a minute."""
    project_quota: bool = True
    """A project has a number of units a minute for all its users."""
    daily_quota: bool = True
    """A project has a number of units a day, which ends at midnight in California."""
    limits_are_403: bool = True
    """A spent quota answers 403, and only the reason tells rateLimitExceeded from a refusal; lax: always 429."""
    concurrency: bool = True
    """A call beyond a user's places is refused with 429."""

    # batches
    batch_part_limit: bool = True
    """A batch has 100 parts at most."""
    batch_part_statuses: bool = True
    """A batch is answered 200, and each part has a status of its own; lax: the first failure is the batch's."""
    batch_part_throttling: bool = True
    """Of a batch's parts those beyond the user's places may be refused with 429."""
    batch_parts_cost_units: bool = True
    """The parts of a batch cost what their calls cost."""

    # history
    history_expires: bool = True
    """A startHistoryId that history no longer covers answers 404."""
    history_ages_when_quiet: bool = True
    """In a quiet mailbox the id of the newest mail gets too old, while that of the profile goes on."""
    history_after_start: bool = True
    """History tells only what came after startHistoryId."""
    history_pages_may_be_empty: bool = True
    """A page of history may tell nothing and still have a nextPageToken."""
    history_ids_have_gaps: bool = True
    """History ids rise with gaps."""

    # lists
    page_tokens_expire: bool = True
    """A pageToken that the vendor dropped answers 400."""
    page_size_limit: bool = True
    """A page holds 500 at most."""
    lists_roughly_ordered: bool = True
    """Lists are newest first only roughly."""
    size_is_an_estimate: bool = True
    """resultSizeEstimate is no count where there is a further page."""
    spam_and_trash_left_out: bool = True
    """Lists leave SPAM and TRASH out unless includeSpamTrash or the query asks for them."""

    # messages
    metadata_has_no_bodies: bool = True
    """The format metadata has headers only."""
    attachment_ids_change: bool = True
    """An attachment's id is another one at each reading."""
    internal_date_is_arrival: bool = True
    """internalDate is the time at which the mailbox took the mail, whatever its Date header says."""
    thread_needs_reference: bool = True
    """A mail joins a thread only by a reference; the same subject alone is not enough."""
    thread_needs_subject: bool = True
    """A mail joins a thread only with its subject; a reference or a wished threadId alone is not enough."""
    drafts_change_message_id: bool = True
    """An updated draft keeps its id and has a message with another one."""

    # access
    delegation_scopes: bool = True
    """A service account gets a token only for scopes on the administrator's list."""
    scopes_checked: bool = True
    """A call needs one of its method's scopes."""
    metadata_scope_narrows: bool = True
    """A token with the scope gmail.metadata refuses q and the formats full and raw, whatever else it has."""
    tokens_expire: bool = True
    """An access token is refused after an hour."""
    own_mailbox_only: bool = True
    """A token opens the mailbox of its user, named by its primary address or by me."""
    mail_service_needed: bool = True
    """A user without the mail service answers 400 failedPrecondition."""
    assertion_times: bool = True
    """An assertion lives an hour at most."""
    assertion_audience: bool = True
    """An assertion is meant for Google's token endpoint, wherever it was sent."""
    assertion_signatures: bool = True
    """An assertion is signed with the service account's key."""
    refresh_token_once: bool = True
    """A second consent gives a refresh token only with prompt=consent."""
