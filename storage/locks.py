"""Advisory locks of this product: one list, so that a number never means two things."""

from __future__ import annotations

#: Held while migrations are applied.
MIGRATION = 7_250_331_904_117
#: Two nodes that make the same day of position history wait for each other instead of failing.
PARTITIONS = 7_250_331_904_118
#: Held while a day's comparison with the gateway is claimed.
RECONCILIATION = 7_250_331_904_119
#: Whoever stops being a super_admin (the migration 0051_staff.sql has it too).
SUPER_ADMIN = 7_250_331_904_120
