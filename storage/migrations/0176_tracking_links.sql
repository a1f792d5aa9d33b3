-- Links by which anybody may follow one booking. A link is signed and names its generation, so that it can be revoked.

CREATE TABLE tracking_links (
  booking_id uuid PRIMARY KEY REFERENCES bookings (id) ON DELETE CASCADE,
  generation int NOT NULL DEFAULT 1 CHECK (generation > 0),
  made_at    timestamptz NOT NULL DEFAULT app_now(),
  revoked_at timestamptz
);
