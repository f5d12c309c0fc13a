"""`python -m hookagent` is `hookagent`."""

import sys

from hookagent.cli.main import main

sys.exit(main())
