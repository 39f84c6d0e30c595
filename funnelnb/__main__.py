"""``python -m funnelnb``: the same as the command ``funnelnb``."""

import sys

from funnelnb.cli import main

sys.exit(main())
