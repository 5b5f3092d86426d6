"""The configuration: `load(path)` gives frozen `Settings`, or a `ConfigError` with every mistake at its place."""

from tradepost.config.accounts import Account
from tradepost.config.load import Settings, find_config, load, peek_language
from tradepost.config.mailboxes import MailboxSettings
from tradepost.config.problems import ConfigError, Problem

__all__ = ["Account", "ConfigError", "MailboxSettings", "Problem", "Settings", "find_config", "load", "peek_language"]
