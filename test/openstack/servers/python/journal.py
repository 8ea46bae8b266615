# Gives SQLite databases a write-ahead log, so that readers do not wait for writers. Writes what a log holds into its database.

import sqlite3
import sys

for path in sys.argv[1:]:
    connection = sqlite3.connect(path)
    connection.execute("pragma journal_mode=wal")
    connection.execute("pragma wal_checkpoint(truncate)")
    connection.close()
