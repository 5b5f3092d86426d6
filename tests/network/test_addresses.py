"""Secrets and mail go over TLS, or nowhere but to this machine."""

import pytest
from pydantic import ValidationError

from connectors.addresses import bare_url, is_private
from connectors.crm.hubspot import HubSpotConfig
from connectors.crm.salesforce import SalesforceConfig
from connectors.crm.zoho_config import ZohoConfig
from connectors.mail.gmail_config import GmailConfig
from connectors.mail.graph_config import GraphConfig
from tradepost.config.alarms import Webhook


@pytest.mark.parametrize(
    "url",
    [
        "https://api.example",
        "HTTPS://api.example:8443/below",
        "http://127.0.0.1:8025/hubspot",
        "http://localhost",
        "http://[::1]:9000/",
    ],
)
def test_tls_and_this_machine_are_private(url):
    assert is_private(url)
    assert bare_url(url) == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example/",
        "http://localhost@evil.example/",
        "https://",
        "https:///path",
        "ftp://127.0.0.1",
        "api.example",
        "http://[::1",
        "https://api.example:port",
        "",
    ],
)
def test_anything_else_is_not(url):
    assert not is_private(url)
    if url:
        with pytest.raises(ValueError, match="must begin with https"):
            bare_url(url)


@pytest.mark.parametrize(
    ("config", "key"),
    [
        (HubSpotConfig, "base_url"),
        (SalesforceConfig, "base_url"),
        (SalesforceConfig, "login_url"),
        (ZohoConfig, "base_url"),
        (ZohoConfig, "accounts_url"),
        (GmailConfig, "base_url"),
        (GmailConfig, "token_url"),
        (GmailConfig, "authorization_url"),
        (GraphConfig, "graph_root"),
        (GraphConfig, "authority"),
        (Webhook, "url"),
    ],
)
def test_no_connection_takes_an_address_that_others_can_read_along(config, key):
    with pytest.raises(ValidationError) as refused:
        config.model_validate({key: "http://localhost.evil.example"})
    assert [error["loc"] for error in refused.value.errors() if error["loc"] == (key,)]
