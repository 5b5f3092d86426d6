"""The checks of a CRM target, in the order in which tables show them."""

from tradepost.testing.crm import account, mirror, writing, unknown, errors  # noqa: F401, I001 - this is their order
