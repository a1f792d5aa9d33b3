-- Every code that a partner has or had, and whose it is: a code stays with its partner, also when that is renamed or gone. `number`
-- is that of a code as the counter gives them.
CREATE TABLE trade_partner_codes (
  code   text PRIMARY KEY,
  no     bigint NOT NULL REFERENCES trade_partners (no) ON DELETE CASCADE,
  number bigint GENERATED ALWAYS AS
           (CASE WHEN code ~ '^CL([0-9]{5}|[1-9][0-9]{5,15})$' THEN substr(code, 3)::bigint END) STORED
);
CREATE INDEX trade_partner_codes_no ON trade_partner_codes (no);
CREATE INDEX trade_partner_codes_number ON trade_partner_codes (number) WHERE number IS NOT NULL;
INSERT INTO trade_partner_codes (code, no) SELECT code, no FROM trade_partners;

CREATE FUNCTION trade_partners_keep_code() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO trade_partner_codes (code, no) VALUES (NEW.code, NEW.no) ON CONFLICT (code) DO NOTHING;
  IF NOT EXISTS (SELECT FROM trade_partner_codes WHERE code = NEW.code AND no = NEW.no) THEN
    RAISE EXCEPTION 'code % was another partner''s', NEW.code USING ERRCODE = '23505', CONSTRAINT = 'trade_partners_code';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER trade_partners_keep_code AFTER INSERT OR UPDATE OF code ON trade_partners
  FOR EACH ROW EXECUTE FUNCTION trade_partners_keep_code();

-- The first number above another that no code has: the next one, or the one behind a run of codes that were given out by hand.
CREATE FUNCTION trade_partner_number_after(taken bigint) RETURNS bigint LANGUAGE sql AS $$
  SELECT CASE WHEN NOT EXISTS (SELECT FROM trade_partner_codes WHERE number = taken + 1) THEN taken + 1 ELSE (
    SELECT c.number + 1 FROM trade_partner_codes c
    WHERE c.number > taken AND NOT EXISTS (SELECT FROM trade_partner_codes n WHERE n.number = c.number + 1)
    ORDER BY c.number LIMIT 1) END
$$;

-- What only partners refer to that are gone may be deleted.
DELETE FROM trade_partner_terms t USING trade_partners p WHERE p.no = t.partner_no AND p.deleted_at IS NOT NULL;
UPDATE trade_partners SET price_list_id = NULL, salesperson_id = NULL, vat_group_code = NULL, geo_area_code = NULL
WHERE deleted_at IS NOT NULL;
