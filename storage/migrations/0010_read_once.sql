-- Nobody reads twice: a node leaves out the positions that it saved itself, and a technician's slots are found by the technician.

ALTER TABLE technician_positions ADD COLUMN saved_by uuid;

-- Who is free is asked of the nearest few, not of everybody who is booked at that time.
CREATE INDEX slots_technician ON slots (technician_id, upper(during));
DROP INDEX slots_during;
