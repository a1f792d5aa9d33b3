-- What staff know of a technician's papers. Of the Aadhaar number only a keyed hash and the last four digits are kept.
ALTER TABLE technicians
  ADD COLUMN aadhaar_verified boolean NOT NULL DEFAULT false,
  -- The check digit of the number does not fit: a verifier looks twice.
  ADD COLUMN aadhaar_is_doubtful boolean NOT NULL DEFAULT false,
  ADD COLUMN verification_notes text,
  ADD COLUMN verified_by text,
  ADD COLUMN verified_at timestamptz,
  ADD CHECK (aadhaar_hash IS NULL OR octet_length(aadhaar_hash) = 32),
  ADD CHECK (aadhaar_last4 IS NULL OR aadhaar_last4 ~ '^[0-9]{4}$');

-- The order of the list of everybody.
CREATE INDEX parties_technicians_created ON parties (created_at DESC, id DESC) WHERE kind = 'technician' AND deleted_at IS NULL;
