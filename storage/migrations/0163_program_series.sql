-- Services of a program become series of bookings at its registered places, paid from its budget.
CREATE TABLE program_places (
  id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  program_id uuid NOT NULL REFERENCES programs (id),
  name       text NOT NULL,
  -- Street, city, coordinates and whom to ask there, as they were registered.
  place      jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT app_now()
);
CREATE UNIQUE INDEX program_places_name ON program_places (program_id, lower(name));

ALTER TABLE bulk_bookings ADD COLUMN program_id uuid,
  ADD FOREIGN KEY (program_id, organisation_id) REFERENCES programs (id, organisation_id);
-- What a program's own series uses is no member's.
ALTER TABLE program_uses ALTER COLUMN member_id DROP NOT NULL;
