"""Signing one mailbox in, once, by a code: https://learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code."""

from __future__ import annotations

from connectors.base.errors import AuthFailed, Gone, NotPermitted, Unsupported
from connectors.base.login import Paste, Show
from connectors.base.services import Services
from connectors.mail.graph_api import GraphMailbox, options
from connectors.mail.graph_config import DeviceCodeAuth, GraphConfig, app_of, token_spec
from connectors.mail.graph_parse import User, checked, own_addresses
from connectors.oauth import FixedToken
from connectors.oauth.microsoft import device_login, keep_device_login


async def login(
    config: GraphConfig,
    address: str,
    services: Services,
    show: Show,
    *,
    paste: Paste | None = None,  # noqa: ARG001 - nothing comes back to this machine
) -> str:
    """Have a person type a code, check that the mailbox is theirs or shared with them, keep the sign-in; its address.

    Raises `AuthFailed`, `NotPermitted`, `Transient`, and `Unsupported` for a connection that signs in as an app.
    """
    if not isinstance(config.auth, DeviceCodeAuth):
        raise Unsupported("This connection signs in as an app; nobody needs to log in.")
    app = app_of(config)
    granted = await device_login(services, token_spec(config), app, show)
    found = await _reached(config, address, services, granted.grant.access_token)
    await keep_device_login(services, app, address, granted)
    return found


async def _reached(config: GraphConfig, address: str, services: Services, token: str) -> str:
    """The address of the mailbox, if the person may read it."""
    granted = FixedToken(token, "Graph refuses the token that has just been granted; check `cloud`.")
    mailbox = GraphMailbox(config, address, services, granted)
    try:
        reply = await mailbox.get("users.me", "/v1.0/me", options(select="id,mail,userPrincipalName,proxyAddresses"))
        person = checked(User, await mailbox.parsed(reply, "users.me"), "users.me")
        if address.lower() in own_addresses(person):
            mailbox.user = person.id
        await mailbox.get("mailFolders.get", mailbox.path("/mailFolders/inbox"), options(select="id"))
        return address.lower()
    except (NotPermitted, Gone):
        raise AuthFailed(
            "The account that signed in may not read this mailbox; choose the right account, or share the mailbox "
            "with it and ask for Mail.Read.Shared and User.ReadBasic.All too."
        ) from None
    finally:
        await mailbox.close()
