"""Every spoiled CRM target."""

from tradepost.testing.crm_bench import CrmBench
from tradepost.testing.spoiled.crm_feeds import FEEDS
from tradepost.testing.spoiled.crm_writes import WRITES
from tradepost.testing.spoiled.model import Spoiled

SPOILED_TARGETS: tuple[Spoiled[CrmBench], ...] = (*FEEDS, *WRITES)
