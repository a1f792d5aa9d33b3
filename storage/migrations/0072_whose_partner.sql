-- An organisation may have a trade partner that carries its bookings: one of either.
ALTER TABLE trade_partners ADD COLUMN organisation_id uuid REFERENCES parties (id);
CREATE UNIQUE INDEX trade_partners_organisation ON trade_partners (organisation_id) WHERE deleted_at IS NULL;
