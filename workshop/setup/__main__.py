"""`python -m workshop.setup LANGUAGE INSTANCE`: what `workshop helper install` asks sudo for."""

import os
import sys

from .install import install

os.environ["WORKSHOP_INSTANCE"] = sys.argv[2]
sys.exit(install(sys.argv[1]))
