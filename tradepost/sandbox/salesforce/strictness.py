"""Which of Salesforce's rules are kept. A sandbox with one of them switched off is too kind, and a test must notice."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Strictness:
    """All True is Salesforce. Each rule is looked up at one place."""

    # e-mail
    sent_mail_immutable: bool = True
    """An EmailMessage that is not a draft keeps all but its custom fields and its visibility."""
    only_sent_mail_outside_cases: bool = True
    """An EmailMessage without a case has the status Sent from the beginning."""
    automatic_task: bool = True
    """The platform makes a Task beside each EmailMessage."""
    moved_mail_gets_new_task: bool = True
    """An EmailMessage that is hung on another record gets another Task in place of its own."""
    task_dies_with_mail: bool = True
    """Deleting an EmailMessage deletes the Task that the platform made for it."""
    last_activity: bool = True
    """LastActivityDate is that of the activities which are left once one is deleted."""
    task_of_lead_stands_alone: bool = True
    """An activity with a lead is related to no other record."""

    # keys
    duplicate_value: bool = True
    """A unique value that a living record bears is refused with DUPLICATE_VALUE."""
    duplicate_key_in_request: bool = True
    """An upsert that names one key twice fails both records with DUPLICATE_VALUE."""
    multiple_choices: bool = True
    """An external id that several records bear answers 300 with their addresses, and nothing is changed."""
    key_not_in_body: bool = True
    """An upsert by external id refuses that field in its body."""

    # several records in a request
    graph_all_or_none: bool = True
    """A graph in which a node fails leaves nothing behind."""
    graph_limits: bool = True
    """A request takes 75 graphs, 500 nodes of 15 kinds, and graphs 15 deep."""
    graphs_halt: bool = True
    """After more than 14 failed graphs the rest of a request is not tried."""
    collection_all_or_none: bool = True
    """With allOrNone one failed record of a collection takes back the others."""
    collection_limit: bool = True
    """A collection takes 200 records."""
    composite_limits: bool = True
    """A composite request takes 25 parts, and 5 queries or collections among them."""
    batch_parts_counted: bool = True
    """Each part of a composite batch is taken from the daily pool."""

    # queries
    archived_hidden: bool = True
    """Archived activities are shown by queryAll only."""
    deleted_hidden: bool = True
    """Deleted rows are shown by queryAll only, with IsDeleted."""
    locators_expire: bool = True
    """A query locator lives two days."""
    locators_capped: bool = True
    """A user's eleventh open query locator closes the oldest."""
    locators_of_their_user: bool = True
    """A query locator works for the user who opened it only."""
    batch_size_bounds: bool = True
    """batchSize is brought between 200 and 2,000."""
    uri_length: bool = True
    """A URI beyond 16,384 bytes answers 414, so a long SOQL statement cannot be sent."""
    header_length: bool = True
    """A URI and headers beyond 16,384 bytes together answer 431."""
    long_text_not_filtered: bool = True
    """Fields such as long text cannot stand in a WHERE clause."""
    replication_span: bool = True
    """getUpdated and getDeleted refuse a span that begins too long ago."""

    # values
    restricted_picklists: bool = True
    """A restricted picklist, as a stage may be, refuses values that it does not list."""
    required_fields: bool = True
    """A record needs its required fields."""
    lengths_checked: bool = True
    """A text longer than its field is refused with STRING_TOO_LONG."""
    inactive_owner_refused: bool = True
    """A deactivated user cannot become an owner."""
    audit_fields_need_permission: bool = True
    """CreatedDate and the like can be set by those with the permission for it only."""
    validation_rules: bool = True
    """Validation rules of the administrator refuse saves through the API."""
    duplicate_rules: bool = True
    """Duplicate rules of the administrator refuse saves with DUPLICATES_DETECTED."""
    row_locks: bool = True
    """A row that another transaction holds refuses saves with UNABLE_TO_LOCK_ROW."""
    unmodified_since: bool = True
    """If-Unmodified-Since guards an update: 412."""

    # people
    merge_moves_relations: bool = True
    """What hung on a record that was merged hangs on the master."""
    conversion_moves_relations: bool = True
    """Activities and mail of a lead hang on the contact that it became."""
    converted_leads_closed: bool = True
    """A converted lead is not changed."""
    stage_history: bool = True
    """OpportunityHistory tells each stage and who set it."""
    cascading_delete: bool = True
    """Deleting an account deletes its contacts and deals."""

    # access
    daily_pool: bool = True
    """When the org's pool of a rolling day is empty, each call answers 403 REQUEST_LIMIT_EXCEEDED."""
    session_expiry: bool = True
    """A session that rested two hours answers 401 INVALID_SESSION_ID."""
    late_commit: bool = True
    """A request is carried out even when its client has given up waiting."""
    field_security: bool = True
    """A field that the user may not see is answered as one that does not exist."""
    field_edit_rights: bool = True
    """A field that the user may only read refuses values."""
    object_rights: bool = True
    """An object that the user may not read is answered as one that does not exist."""
    sharing: bool = True
    """Records that are not shared with the user are not found."""
    unseen_duplicate_unnamed: bool = True
    """DUPLICATE_VALUE does not name a record that the user cannot see."""
    api_enabled: bool = True
    """A user without the permission API Enabled is refused."""
    deactivated_user_ends_session: bool = True
    """The session of a deactivated user is over."""
    assertion_times: bool = True
    """A JWT assertion lives five minutes at most."""
    preauthorised_users: bool = True
    """The JWT flow serves users that the administrator approved in advance only."""
    client_credentials_at_my_domain: bool = True
    """The client credentials flow is answered at the org's My Domain only."""
    retired_versions: bool = True
    """API versions 21 to 30 answer 410."""
