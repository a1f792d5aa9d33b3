"""Zones as documents."""

from __future__ import annotations

SQUARE = {"type": "Polygon", "coordinates": [[[10, 50], [11, 50], [11, 51], [10, 51], [10, 50]]]}


TERMS = {"timezone": "Europe/Lisbon", "currency": "EUR"}
