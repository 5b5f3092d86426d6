"""Secrets, and the token sources of all vendors. Nothing here is logged; nothing secret shows in a repr or an error."""

from connectors.oauth.core import CachedTokens, Grant, TokenSpec
from connectors.oauth.google import GoogleServiceAccountTokens, ServiceAccountKey
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

__all__ = [
    "CachedTokens",
    "GoogleServiceAccountTokens",
    "Grant",
    "InstalledApp",
    "LoginRequest",
    "RefreshTokens",
    "SalesforceClientCredentials",
    "SalesforceJwtTokens",
    "SecretError",
    "SecretRef",
    "ServiceAccountKey",
    "TokenSpec",
    "authorization_url",
    "exchange_code",
    "keep_login",
]
