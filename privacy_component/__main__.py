"""`python -m privacy_component`."""

import sys

from privacy_component.cli import main

if __name__ == '__main__':
    sys.exit(main())
