"""`python -m curta` is the `curta` command."""

import sys

from curta.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
