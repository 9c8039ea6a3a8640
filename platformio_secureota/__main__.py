"""`python -m platformio_secureota`: the same as `secureota`."""

import sys

from platformio_secureota.cli import main

sys.exit(main())
