"""Every spoiled mail source."""

from tradepost.testing.mail_bench import MailBench
from tradepost.testing.spoiled.mail_feeds import FEEDS
from tradepost.testing.spoiled.mail_reading import READING
from tradepost.testing.spoiled.model import Spoiled

SPOILED_SOURCES: tuple[Spoiled[MailBench], ...] = (*FEEDS, *READING)
