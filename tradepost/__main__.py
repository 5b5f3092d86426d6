"""`python -m tradepost`."""

import sys

from tradepost.cli import main

if __name__ == "__main__":
    sys.exit(main())
