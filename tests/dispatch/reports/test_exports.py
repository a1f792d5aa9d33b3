"""Exports: the same rows in three kinds of file, no formula among them, and no more memory for more rows."""

from __future__ import annotations
