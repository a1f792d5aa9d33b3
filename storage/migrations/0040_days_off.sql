-- Days on which a technician does not work, whatever their weekly hours say: by the calendar of where they work.
CREATE TABLE technician_days_off (
  technician_id uuid NOT NULL REFERENCES technicians (id) ON DELETE CASCADE,
  day           date NOT NULL,
  created_at    timestamptz NOT NULL DEFAULT app_now(),
  PRIMARY KEY (technician_id, day)
);
