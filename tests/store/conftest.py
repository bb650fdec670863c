"""The database fixtures, for the tests of this room."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))

from database import database, database_url, empty_database, server  # noqa: F401
