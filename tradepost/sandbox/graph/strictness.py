"""Which of the vendor's hard behaviours the simulator keeps. Each is consulted at one place.

Sources: the pages named where each rule is enforced. A field set to False makes the sandbox kinder than the vendor.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Strictness:
    """All on: the vendor. One off: the same vendor, lax in that respect."""

    # ---- delta
    moved_items_removed: bool = True
    """Delta of a folder tells a mail that was moved out of it as @removed."""
    removed_items_told: bool = True
    """Delta of a folder tells a mail that was deleted for good as @removed."""
    round_trips_hidden: bool = True
    """With immutable ids a mail moved out and back between two rounds is told as @removed only."""
    changed_properties_only: bool = True
    """Delta tells of an updated mail only its id and what changed."""
    empty_delta_pages: bool = True
    """A delta page may be empty and still have a nextLink."""
    delta_items_repeat: bool = True
    """One item may come twice in a round of delta."""
    delta_unordered: bool = True
    """Delta keeps no order unless $orderby asks for one."""
    sync_state_expires: bool = True
    """A link of sync state that the vendor dropped answers 410 SyncStateNotFound."""
    old_next_links_expire: bool = True
    """Only the newest few nextLinks of a round work while it goes on."""
    delta_filter_cap: bool = True
    """Delta with $filter tells 5,000 messages at most."""
    delta_filter_limited: bool = True
    """Delta takes no $filter but on receivedDateTime, no $orderby but receivedDateTime desc and no $search."""
    mailbox_delta_refused: bool = True
    """/messages/delta over the whole mailbox is refused."""
    latest_token_refused: bool = True
    """$deltatoken=latest is refused for mail."""
    full_mailbox_refuses_delta: bool = True
    """Delta over a full mailbox answers ErrorQuotaExceeded, since it has to save its state there."""

    # ---- batches and limits
    mailbox_concurrency: bool = True
    """A fifth request of an app at one mailbox at a time is refused, parts of a batch counted."""
    mailbox_request_rate: bool = True
    """An app has 10,000 requests in 10 minutes at one mailbox."""
    batch_part_throttling: bool = True
    """A throttled part of a batch has status 429 and a Retry-After of its own; the batch is answered 200."""
    batch_size: bool = True
    """A batch has 20 parts at most."""
    batch_ids_unique: bool = True
    """Ids of a batch's parts must differ, compared without case."""
    batch_dependencies: bool = True
    """A part whose dependency failed answers 424 and is not carried out."""
    batch_order_differs: bool = True
    """The answers of a batch come in any order."""
    absolute_batch_urls_refused: bool = True
    """A batch with an absolute URL is refused."""
    batch_writes_have_bodies: bool = True
    """A POST, PATCH or PUT in a batch has a Content-Type and a body, `{}` at least, or the whole batch is refused."""
    translate_limit: bool = True
    """translateExchangeIds takes 1,000 ids at most."""
    subscription_life: bool = True
    """A subscription to mail lasts 10,080 minutes at most."""

    # ---- ids and lists
    immutable_ids: bool = True
    """Prefer: IdType="ImmutableId" gives ids of another kind, which a move does not change."""
    default_ids_change_on_move: bool = True
    """Without that header a move gives the mail another id, and the old one is not found."""
    ids_case_sensitive: bool = True
    """An id in another letter case is not that mail's."""
    inefficient_filter: bool = True
    """Properties of $orderby must lead $filter, in the same order, or 400 InefficientFilter."""
    page_size_limit: bool = True
    """$top above 1,000 is refused."""
    default_page_size: bool = True
    """A list without $top has pages of 10."""
    pages_shift: bool = True
    """A list's nextLink counts what it went through: a mail that leaves meanwhile hides another."""
    search_stands_alone: bool = True
    """$search with $filter or $orderby is refused."""
    top_level_folders_only: bool = True
    """A list of folders has one level; children are asked for apart."""
    hidden_folders_left_out: bool = True
    """Hidden folders are listed with includeHiddenFolders=true only."""

    directory_needs_consistency_level: bool = True
    """Users are counted, searched and looked for by the end of a name with ConsistencyLevel: eventual only."""

    # ---- contents
    inline_only_has_no_attachments: bool = True
    """hasAttachments is false where all attachments are inline."""
    smime_value_fails: bool = True
    """$value of an opaque S/MIME mail fails for good with 500 for an app, while its JSON is readable."""
    headers_on_request_only: bool = True
    """internetMessageHeaders and uniqueBody come only where $select names them."""
    own_mail_has_no_headers: bool = True
    """Mail written in the mailbox itself has no internetMessageHeaders."""
    preview_cut: bool = True
    """bodyPreview ends after 255 characters."""
    bodies_sanitised: bool = True
    """HTML bodies come without what could act, unless Prefer: outlook.allow-unsafe-html."""
    reference_value_refused: bool = True
    """The value of a reference attachment is refused with 405."""

    # ---- who may
    access_policy: bool = True
    """A mailbox outside the app's access policy or management scope answers 403 ErrorAccessDenied."""
    permissions_checked: bool = True
    """A call needs a permission that the token carries."""
    tokens_expire: bool = True
    """An access token is refused once its time is over."""
    audience_checked: bool = True
    """A token for another resource or another cloud is refused."""
    assertions_verified: bool = True
    """A client assertion must be signed with a registered certificate, for this audience and in its time."""
    secrets_checked: bool = True
    """A client secret must be the registered one and not expired."""
    me_needs_a_user: bool = True
    """/me is refused for an app without a user."""
    other_mailboxes_refused: bool = True
    """A signed-in user reaches another mailbox only where it is shared and a .Shared permission is there."""
    refresh_tokens_revocable: bool = True
    """A revoked refresh token answers invalid_grant."""
