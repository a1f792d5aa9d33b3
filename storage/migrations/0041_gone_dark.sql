-- Since when a technician who is available has given no sign of life: set by the server, ended by the next position.
ALTER TABLE technicians ADD COLUMN dark_since timestamptz,
  ADD CONSTRAINT technicians_dark_is_not_available CHECK (dark_since IS NULL OR NOT is_available);
