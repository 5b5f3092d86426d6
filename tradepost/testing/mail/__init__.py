"""The checks of a mail source, in the order in which tables show them."""

from tradepost.testing.mail import feed, listing, reading, trouble  # noqa: F401 - this is their order
