"""Secrets, and the token sources of all vendors. Nothing here is logged; nothing secret shows in a repr or an error."""

from connectors.oauth.core import CachedTokens, FixedToken, Grant, TokenSpec
from connectors.oauth.google import GoogleServiceAccountTokens, ServiceAccountKey
from connectors.oauth.hubspot import HubSpotServiceKey, HubSpotTokens
from connectors.oauth.installed import (
    InstalledApp,
    LoginRequest,
    RefreshTokens,
    authorization_url,
    exchange_code,
    keep_login,
)
from connectors.oauth.salesforce import SalesforceClientCredentials, SalesforceJwtTokens
from connectors.oauth.secret_ref import SecretError, SecretRef
from connectors.oauth.zoho import ZOHO_ACCOUNTS, ZohoTokens, exchange_grant_code, keep_zoho_login

__all__ = [
    "ZOHO_ACCOUNTS",
    "CachedTokens",
    "FixedToken",
    "GoogleServiceAccountTokens",
    "Grant",
    "HubSpotServiceKey",
    "HubSpotTokens",
    "InstalledApp",
    "LoginRequest",
    "RefreshTokens",
    "SalesforceClientCredentials",
    "SalesforceJwtTokens",
    "SecretError",
    "SecretRef",
    "ServiceAccountKey",
    "TokenSpec",
    "ZohoTokens",
    "authorization_url",
    "exchange_code",
    "exchange_grant_code",
    "keep_login",
    "keep_zoho_login",
]
