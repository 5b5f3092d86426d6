"""What a connection to Zoho CRM is configured with, and the tokens that follow from it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from connectors.addresses import bare_url
from connectors.base.services import Services
from connectors.oauth import ZOHO_ACCOUNTS, SecretRef, TokenSpec, ZohoTokens


class ZohoConfig(BaseModel):
    """One Zoho CRM organisation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data_centre: Literal["us", "eu", "in", "au", "cn", "jp", "ca", "sa", "uk"] = Field(
        description="The data centre of the organisation: us (zoho.com), eu, in, au, cn (zoho.com.cn), jp, ca, sa, uk."
    )
    client_id: str = Field(min_length=1, description="The client ID of the self client in Zoho's API console.")
    client_secret: SecretRef = Field(description="Where the client secret of the self client is kept.")
    refresh_token: SecretRef | None = Field(
        default=None,
        description="Where the refresh token is kept; leave it out for the one that `tradepost login` has got.",
    )
    workflows: Literal["live", "none"] = Field(
        default="live", description="Lets writes from new mail run your workflows (live), or none; history runs none."
    )
    native_logging: Literal["ask", "skip", "ignore"] = Field(
        default="ask",
        description="Skips mail that Zoho's own mail integration has logged already (skip), logs it once more "
        "(ignore), or skips it and lets `check` say whether there is any (ask).",
    )
    reserve: float = Field(
        default=0.1, ge=0, lt=1, description="The share of the day's API credits that Tradepost leaves to others."
    )
    settle_seconds: float = Field(
        default=900.0, ge=0, description="How long, in seconds, a request that timed out may still take effect at Zoho."
    )
    page_size: int = Field(default=200, ge=1, le=200, description="How many records one page of a listing holds.")
    accounts_url: str = Field(
        default="", description="Another address for tokens, for a sandbox; leave it out for the data centre's."
    )
    base_url: str = Field(
        default="", description="Another address of the API; leave it out for what the token's answer names."
    )
    timeout: float = Field(default=60.0, gt=0, description="Seconds until an unanswered call is given up.")
    proxy: str = Field(default="", description="The address of an HTTP proxy; leave it out for none.")
    ca_bundle: str = Field(
        default="", description="A file with the certificates of a company CA; leave it out for none."
    )

    _bare = field_validator("accounts_url", "base_url")(bare_url)

    @property
    def accounts(self) -> str:
        """Where tokens are handed out."""
        return self.accounts_url or ZOHO_ACCOUNTS[self.data_centre]

    @property
    def console(self) -> str:
        """Where a person registers the self client and makes grant codes."""
        return ZOHO_ACCOUNTS[self.data_centre].replace("//accounts.", "//api-console.")


def token_spec(config: ZohoConfig) -> TokenSpec:
    return TokenSpec(
        name="zoho", url=f"{config.accounts}/oauth/v2/token", proxy=config.proxy, ca_bundle=config.ca_bundle
    )


def zoho_tokens(config: ZohoConfig, services: Services) -> ZohoTokens:
    return ZohoTokens(
        services,
        token_spec(config),
        client_id=config.client_id,
        client_secret=config.client_secret.read(),
        refresh_token=config.refresh_token.read() if config.refresh_token else "",
    )
