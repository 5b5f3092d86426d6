"""The simulated Salesforce org."""

from __future__ import annotations

from tradepost.sandbox.fidelity.model import Table, endpoint

_REST = "https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest"
_BULK = "https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch"
_HELP = "https://help.salesforce.com/s/articleView?id=sf"
_DATA = "/services/data/{version}"
_ONE = f"{_DATA}/sobjects/{{object}}"
_SUBREQUESTS = "Subrequests reach records, queries and collections; other resources answer as on their own."

TABLE = Table(
    "salesforce",
    "Salesforce REST, Bulk 2.0 and Tooling API (v31.0 to v68.0)",
    (
        endpoint(
            "POST",
            "/services/oauth2/token",
            f"{_HELP}.remoteaccess_oauth_client_credentials_flow.htm",
            simplified="Client credentials, JWT bearer and refresh; username-password is refused, as by default.",
            doubts=(
                (
                    "The longest life of an assertion: five minutes are allowed here.",
                    "`check` signs in with a shorter one, which others report to work.",
                ),
            ),
        ),
        endpoint("GET POST", "/services/oauth2/userinfo", f"{_HELP}.remoteaccess_using_userinfo_endpoint.htm"),
        endpoint("GET POST", "/services/oauth2/revoke", f"{_HELP}.remoteaccess_revoke_token.htm"),
        endpoint(
            "GET", "/id/{org}/{user}", f"{_HELP}.remoteaccess_using_openid.htm", simplified="No photos, no mobile."
        ),
        endpoint("GET", "/services/data", f"{_REST}/dome_versions.htm"),
        endpoint("GET", _DATA, f"{_REST}/resources_discoveryresource.htm", simplified="Names only what is simulated."),
        endpoint(
            "GET", f"{_DATA}/limits", f"{_REST}/resources_limits.htm", simplified="Only the daily requests count."
        ),
        endpoint("GET", f"{_DATA}/tabs", f"{_REST}/resources_tabs.htm", simplified="Tabs of eight objects."),
        endpoint(
            "GET", f"{_DATA}/recent", f"{_REST}/resources_recent_items.htm", simplified="What was changed, not viewed."
        ),
        endpoint(
            "GET",
            f"{_DATA}/search",
            f"{_REST}/resources_search.htm",
            simplified="At once and without an index; all words must occur.",
        ),
        endpoint(
            "GET POST",
            f"{_DATA}/parameterizedSearch",
            f"{_REST}/resources_search_parameterized.htm",
            simplified="As /search.",
        ),
        endpoint(
            "GET",
            f"{_DATA}/query",
            f"{_REST}/resources_query.htm",
            simplified="No TYPEOF, HAVING, ROLLUP, WITH, geolocation; no two-minute limit.",
            doubts=(
                (
                    "How long a committed row stays invisible behind a long transaction.",
                    "None: each reading overlaps the one before by fifteen minutes.",
                ),
            ),
        ),
        endpoint("GET", f"{_DATA}/queryAll", f"{_REST}/resources_queryall.htm", simplified="As /query."),
        endpoint("GET", f"{_DATA}/query/{{locator}}", f"{_REST}/dome_query.htm"),
        endpoint("GET", f"{_DATA}/queryAll/{{locator}}", f"{_REST}/dome_queryall.htm"),
        endpoint("GET", f"{_DATA}/sobjects", f"{_REST}/resources_describeGlobal.htm", simplified="34 objects."),
        endpoint(
            "GET POST",
            _ONE,
            f"{_REST}/resources_sobject_basic_info.htm",
            doubts=(
                (
                    (
                        "Whether a custom external id can be made on EmailMessage and on Activity in a given org, and "
                        "written by a given user."
                    ),
                    "`setup` makes the key fields; `check` reads every describe and says which writes have none.",
                ),
                (
                    "Mail captured by Einstein Activity Capture is not seen through the API.",
                    "",
                ),
            ),
        ),
        endpoint("GET", f"{_ONE}/describe", f"{_REST}/resources_sobject_describe.htm", simplified="Core properties."),
        endpoint(
            "GET",
            f"{_ONE}/describe/{{layouts...}}",
            f"{_REST}/resources_sobject_layouts.htm",
            simplified="One layout with every field.",
        ),
        endpoint(
            "GET",
            f"{_ONE}/updated",
            f"{_REST}/resources_getupdated.htm",
            simplified="`latestDateCovered` is always the end asked for, or now.",
        ),
        endpoint(
            "GET",
            f"{_ONE}/deleted",
            f"{_REST}/resources_getdeleted.htm",
            simplified="Kept 15 days, never purged early.",
        ),
        endpoint("GET POST PATCH DELETE", f"{_ONE}/{{id}}", f"{_REST}/resources_sobject_retrieve.htm"),
        endpoint(
            "GET POST PATCH DELETE",
            f"{_ONE}/{{field}}/{{value}}",
            f"{_REST}/resources_sobject_upsert.htm",
            doubts=(
                (
                    (
                        "Whether a unique value is free while its record lies in the recycle bin; here it is, and "
                        "undelete then fails."
                    ),
                    "None: a refused write is looked up before anything else is done.",
                ),
            ),
        ),
        endpoint(
            "GET", f"{_DATA}/sobjects/ContentVersion/{{id}}/VersionData", f"{_REST}/dome_sobject_blob_retrieve.htm"
        ),
        endpoint("POST", f"{_DATA}/composite", f"{_REST}/resources_composite_composite.htm", simplified=_SUBREQUESTS),
        endpoint(
            "POST",
            f"{_DATA}/composite/graph",
            f"{_REST}/resources_composite_graph.htm",
            doubts=(
                (
                    "After how many failed graphs the others are left undone: the documents say 14.",
                    "None: graphs that a call did not come to go with the next.",
                ),
            ),
        ),
        endpoint("POST", f"{_DATA}/composite/batch", f"{_REST}/resources_composite_batch.htm"),
        endpoint("POST", f"{_DATA}/composite/tree/{{object}}", f"{_REST}/resources_composite_sobject_tree.htm"),
        endpoint(
            "POST PATCH DELETE", f"{_DATA}/composite/sobjects", f"{_REST}/resources_composite_sobjects_collections.htm"
        ),
        endpoint(
            "GET POST",
            f"{_DATA}/composite/sobjects/{{object}}",
            f"{_REST}/resources_composite_sobjects_collections_retrieve.htm",
        ),
        endpoint(
            "PATCH",
            f"{_DATA}/composite/sobjects/{{object}}/{{field}}",
            f"{_REST}/resources_composite_sobjects_collections_upsert.htm",
        ),
        endpoint(
            "GET POST",
            f"{_DATA}/jobs/query",
            f"{_BULK}/query_create_job.htm",
            simplified="Jobs wait and work 0.3 s each; no PK chunking.",
        ),
        endpoint("GET PATCH DELETE", f"{_DATA}/jobs/query/{{id}}", f"{_BULK}/query_get_one_job.htm"),
        endpoint(
            "GET",
            f"{_DATA}/jobs/query/{{id}}/results",
            f"{_BULK}/query_get_job_results.htm",
            doubts=(("The refusal before a job is complete: INVALIDJOBSTATE here.", ""),),
        ),
        endpoint(
            "GET POST",
            f"{_DATA}/jobs/ingest",
            f"{_BULK}/create_job.htm",
            simplified="No multipart create.",
        ),
        endpoint("GET PATCH DELETE", f"{_DATA}/jobs/ingest/{{id}}", f"{_BULK}/get_job_info.htm"),
        endpoint("PUT", f"{_DATA}/jobs/ingest/{{id}}/batches", f"{_BULK}/upload_job_data.htm"),
        endpoint(
            "GET",
            f"{_DATA}/jobs/ingest/{{id}}/{{results}}",
            f"{_BULK}/get_job_successful_results.htm",
            simplified="Rows in the order sent; an org promises none.",
        ),
        endpoint(
            "GET",
            f"{_DATA}/tooling/query",
            "https://developer.salesforce.com/docs/atlas.en-us.api_tooling.meta/api_tooling/intro_rest_resources.htm",
            simplified="CustomField and CustomObject.",
        ),
        endpoint(
            "POST",
            f"{_DATA}/tooling/sobjects/{{object}}",
            "https://developer.salesforce.com/docs/atlas.en-us.api_tooling.meta/api_tooling/tooling_api_objects_customfield.htm",
            simplified="Creates custom fields; CustomObject is read-only, as documented.",
        ),
    ),
    remarks=(
        "Field names, types, flags and lengths are those of the Object Reference, release 260 (v66).",
        (
            "Sharing is a list of hidden records; page layouts, record types, triggers and flows are not simulated, "
            "but any save can be ordered to fail as theirs do."
        ),
        "The username-password flow, SOAP, Bulk API 1.0, the Metadata API, Pub/Sub and Apex REST are not there (404).",
    ),
)
