"""Exceptions that zipfile raises for a file that is no ZIP, or a broken, encrypted or strange one."""

from __future__ import annotations

import struct
import zipfile
import zlib

# RuntimeError for what is encrypted and for a newer version's, ValueError for a name that is no UTF-8; the arithmetic
# of its own reading and zlib's errors are let through as they are.
UNREADABLE_ZIP = (zipfile.BadZipFile, zlib.error, struct.error, RuntimeError, EOFError, OSError, ValueError)
