"""All tests; see docs/developers.md."""

import os
import sys

# Where this is set, as in many containers, each of the hundreds of processes that the tests start would compile every
# module again, which takes more time than all else that they do.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
