-- Trade partners: the commercial master record of the ERP, what it refers to, and whom it is tied to. Ids are numbers here.

-- ---------------------------------------------------------------- what partners refer to

CREATE TABLE price_lists (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  code       text NOT NULL UNIQUE,
  name       text NOT NULL,
  is_active  boolean NOT NULL DEFAULT true,
  created_at timestamptz NOT NULL DEFAULT app_now(),
  updated_at timestamptz NOT NULL DEFAULT app_now()
);

-- What is not on a list costs what the catalogue says. Amounts are in the ERP's one currency.
CREATE TABLE price_list_items (
  price_list_id bigint NOT NULL REFERENCES price_lists (id) ON DELETE CASCADE,
  service_id    uuid NOT NULL REFERENCES services (id),
  price_minor   bigint NOT NULL CHECK (price_minor BETWEEN 0 AND 1000000000),
  PRIMARY KEY (price_list_id, service_id)
);

CREATE TABLE payment_terms (
  id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name             text NOT NULL,
  description      text,
  days             int NOT NULL DEFAULT 0 CHECK (days BETWEEN 0 AND 3650),
  is_credit        boolean NOT NULL DEFAULT false,
  is_cash          boolean NOT NULL DEFAULT false,
  is_bank_transfer boolean NOT NULL DEFAULT false,
  created_at       timestamptz NOT NULL DEFAULT app_now(),
  updated_at       timestamptz NOT NULL DEFAULT app_now()
);
CREATE UNIQUE INDEX payment_terms_name ON payment_terms (lower(name));

-- `code` is the group that a partner names; `deduction` is a fixed part that is taken off the rate.
CREATE TABLE vat_taxes (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  code       text NOT NULL UNIQUE,
  type       text NOT NULL,
  name       text NOT NULL,
  percentage numeric(6, 3) NOT NULL CHECK (percentage BETWEEN 0 AND 100),
  deduction  numeric(6, 3) NOT NULL DEFAULT 0 CHECK (deduction BETWEEN 0 AND percentage),
  created_at timestamptz NOT NULL DEFAULT app_now(),
  updated_at timestamptz NOT NULL DEFAULT app_now()
);

-- Regions, cities and areas are one tree: a city lies in a region, an area in a city or a region.
CREATE TABLE geo_areas (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  type       text NOT NULL CHECK (type IN ('region', 'city', 'area')),
  code       text NOT NULL UNIQUE,
  name       text NOT NULL,
  name_ar    text,
  parent_id  bigint REFERENCES geo_areas (id),
  created_at timestamptz NOT NULL DEFAULT app_now(),
  updated_at timestamptz NOT NULL DEFAULT app_now(),
  CHECK (type <> 'region' OR parent_id IS NULL)
);
CREATE INDEX geo_areas_parent ON geo_areas (parent_id);

CREATE TABLE salespeople (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  code       text NOT NULL UNIQUE,
  name       text NOT NULL,
  email      text,
  phone      text,
  is_active  boolean NOT NULL DEFAULT true,
  created_at timestamptz NOT NULL DEFAULT app_now(),
  updated_at timestamptz NOT NULL DEFAULT app_now()
);

-- The accounts that the ERP knows as customers, by the number it gives them: those that it made or that were linked in it.
CREATE TABLE erp_customers (
  no         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  account_id uuid NOT NULL UNIQUE REFERENCES accounts (id),
  created_at timestamptz NOT NULL DEFAULT app_now()
);

-- ---------------------------------------------------------------- the partner

CREATE FUNCTION trade_partner_words(code text, name text, phone text, email text) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT ARRAY(SELECT DISTINCT left(word, 100) FROM unnest(
    search_words(code) || search_words(name) || search_words(email) || search_phone(phone)) AS word)
$$;

CREATE TABLE trade_partners (
  party_id               uuid PRIMARY KEY DEFAULT gen_random_uuid() REFERENCES parties (id) DEFERRABLE INITIALLY DEFERRED,
  no                     bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  code                   text NOT NULL,
  name                   text NOT NULL,
  status                 text NOT NULL DEFAULT 'ACTIVE' CHECK (status IN ('ACTIVE', 'ON_HOLD', 'BLOCKED', 'CLOSED')),
  partner_type           text NOT NULL DEFAULT 'CUSTOMER',
  channel                text NOT NULL DEFAULT 'OTHER',
  is_b2b                 boolean NOT NULL DEFAULT false,
  customer_no            bigint REFERENCES erp_customers (no),
  price_list_id          bigint REFERENCES price_lists (id),
  parent_no              bigint REFERENCES trade_partners (no),
  salesperson_id         bigint REFERENCES salespeople (id),
  -- Credit. `credit_over_minor` is how far beyond the limit people let it be: a limit that was lowered, an order that was allowed.
  credit_limit_minor     bigint NOT NULL DEFAULT 0 CHECK (credit_limit_minor >= 0),
  credit_used_minor      bigint NOT NULL DEFAULT 0 CHECK (credit_used_minor >= 0),
  credit_over_minor      bigint NOT NULL DEFAULT 0 CHECK (credit_over_minor >= 0),
  credit_available_minor bigint GENERATED ALWAYS AS (credit_limit_minor - credit_used_minor) STORED,
  tax_number_ice         text,
  tax_number_if          text,
  tax_exempt             boolean NOT NULL DEFAULT false,
  vat_group_code         text REFERENCES vat_taxes (code) ON UPDATE CASCADE,
  phone                  text,
  whatsapp               text,
  email                  text,
  website                text,
  address_line1          text,
  address_line2          text,
  city                   text,
  region                 text,
  country                text,
  postal_code            text,
  geo_area_code          text REFERENCES geo_areas (code) ON UPDATE CASCADE,
  geo_lat                double precision CHECK (geo_lat BETWEEN -90 AND 90),
  geo_lng                double precision CHECK (geo_lng BETWEEN -180 AND 180),
  location               point GENERATED ALWAYS AS (point(geo_lng, geo_lat)) STORED,
  opening_hours          jsonb,
  delivery_instructions  text,
  delivery_zone          text,
  min_order_minor        bigint CHECK (min_order_minor >= 0),
  -- A block without an end is lifted by people.
  blocked_until          timestamptz,
  block_reason           text,
  default_discount_rate  numeric(5, 2) CHECK (default_discount_rate BETWEEN 0 AND 100),
  default_discount_minor bigint CHECK (default_discount_minor >= 0),
  max_discount_rate      numeric(5, 2) CHECK (max_discount_rate BETWEEN 0 AND 100),
  words                  tsvector GENERATED ALWAYS AS
                           (array_to_tsvector(trade_partner_words(code, name, phone, email))) STORED,
  created_at             timestamptz NOT NULL DEFAULT app_now(),
  updated_at             timestamptz NOT NULL DEFAULT app_now(),
  deleted_at             timestamptz,
  -- A code is never given to another, also not when its partner is gone: documents name it.
  CONSTRAINT trade_partners_code UNIQUE (code),
  CONSTRAINT credit_within_limit CHECK (credit_used_minor <= credit_limit_minor + credit_over_minor),
  CHECK ((geo_lat IS NULL) = (geo_lng IS NULL)),
  CHECK (status = 'BLOCKED' OR (blocked_until IS NULL AND block_reason IS NULL))
) WITH (fillfactor = 80);
-- One customer pays on account of one partner.
CREATE UNIQUE INDEX trade_partners_customer ON trade_partners (customer_no) WHERE deleted_at IS NULL;
CREATE INDEX trade_partners_no ON trade_partners (no) WHERE deleted_at IS NULL;
CREATE INDEX trade_partners_status ON trade_partners (status, no) WHERE deleted_at IS NULL;
CREATE INDEX trade_partners_by_code ON trade_partners (code, no) WHERE deleted_at IS NULL;
CREATE INDEX trade_partners_name ON trade_partners (name, no) WHERE deleted_at IS NULL;
CREATE INDEX trade_partners_parent ON trade_partners (parent_no) WHERE parent_no IS NOT NULL;
CREATE INDEX trade_partners_salesperson ON trade_partners (salesperson_id) WHERE salesperson_id IS NOT NULL;
CREATE INDEX trade_partners_price_list ON trade_partners (price_list_id, no) WHERE deleted_at IS NULL;
CREATE INDEX trade_partners_blocked ON trade_partners (blocked_until) WHERE status = 'BLOCKED' AND deleted_at IS NULL;
CREATE INDEX trade_partners_words ON trade_partners USING gin (words) WHERE deleted_at IS NULL;
CREATE INDEX trade_partners_location ON trade_partners USING gist (location) WHERE deleted_at IS NULL AND location IS NOT NULL;

-- The head that all parties share repeats what ledger, sign-ins and events call them by.
CREATE FUNCTION trade_partners_head() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO parties (id, kind, code, name, email, phone) VALUES (NEW.party_id, 'trade_partner', NEW.code, NEW.name, NEW.email, NEW.phone);
  ELSE
    UPDATE parties SET code = NEW.code, name = NEW.name, email = NEW.email, phone = NEW.phone, deleted_at = NEW.deleted_at,
      updated_at = app_now() WHERE id = NEW.party_id;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER trade_partners_head AFTER INSERT ON trade_partners FOR EACH ROW EXECUTE FUNCTION trade_partners_head();
CREATE TRIGGER trade_partners_head_keep AFTER UPDATE OF code, name, email, phone, deleted_at ON trade_partners
  FOR EACH ROW WHEN (OLD.code <> NEW.code OR OLD.name <> NEW.name OR OLD.email IS DISTINCT FROM NEW.email
    OR OLD.phone IS DISTINCT FROM NEW.phone OR OLD.deleted_at IS DISTINCT FROM NEW.deleted_at)
  EXECUTE FUNCTION trade_partners_head();

-- Two at once could each be fine and a ring together: they come one after the other.
CREATE FUNCTION trade_partners_no_ring() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('trade_partners_no_ring'));
  IF EXISTS (
    WITH RECURSIVE above (no) AS (
      SELECT NEW.parent_no UNION SELECT t.parent_no FROM trade_partners t JOIN above a ON t.no = a.no WHERE t.parent_no IS NOT NULL
    ) SELECT 1 FROM above WHERE no = NEW.no) THEN
    RAISE EXCEPTION 'partner % would stand above itself', NEW.no USING ERRCODE = '23514', CONSTRAINT = 'trade_partners_no_ring';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER trade_partners_no_ring BEFORE INSERT OR UPDATE OF parent_no ON trade_partners
  FOR EACH ROW WHEN (NEW.parent_no IS NOT NULL) EXECUTE FUNCTION trade_partners_no_ring();

-- Beginnings of words in their order, so that what somebody has typed so far finds the first few at once.
CREATE TABLE trade_partner_beginnings (
  word text COLLATE "C" NOT NULL,
  no   bigint NOT NULL REFERENCES trade_partners (no) ON DELETE CASCADE,
  PRIMARY KEY (word, no)
);
CREATE INDEX trade_partner_beginnings_no ON trade_partner_beginnings (no);

CREATE FUNCTION trade_partners_begin() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    DELETE FROM trade_partner_beginnings WHERE no = NEW.no;
  END IF;
  IF NEW.deleted_at IS NULL THEN
    INSERT INTO trade_partner_beginnings (word, no)
    SELECT word, NEW.no FROM unnest(trade_partner_words(NEW.code, NEW.name, NEW.phone, NEW.email)) AS word;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER trade_partners_begin AFTER INSERT ON trade_partners FOR EACH ROW EXECUTE FUNCTION trade_partners_begin();
CREATE TRIGGER trade_partners_begin_again AFTER UPDATE OF code, name, email, phone, deleted_at ON trade_partners
  FOR EACH ROW WHEN (OLD.words IS DISTINCT FROM NEW.words OR OLD.deleted_at IS DISTINCT FROM NEW.deleted_at)
  EXECUTE FUNCTION trade_partners_begin();

CREATE TABLE trade_partner_terms (
  partner_no bigint NOT NULL REFERENCES trade_partners (no) ON DELETE CASCADE,
  term_id    bigint NOT NULL REFERENCES payment_terms (id),
  is_default boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT app_now(),
  PRIMARY KEY (partner_no, term_id)
);
CREATE UNIQUE INDEX trade_partner_terms_default ON trade_partner_terms (partner_no) WHERE is_default;
CREATE INDEX trade_partner_terms_term ON trade_partner_terms (term_id);

CREATE TABLE trade_partner_statuses (
  id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  partner_no    bigint NOT NULL REFERENCES trade_partners (no),
  old           text,
  new           text NOT NULL,
  reason        text,
  is_notified   boolean NOT NULL DEFAULT false,
  blocked_until timestamptz,
  actor_kind    text NOT NULL,
  actor_id      text,
  at            timestamptz NOT NULL DEFAULT app_now()
);
CREATE INDEX trade_partner_statuses_partner ON trade_partner_statuses (partner_no, id DESC);

-- ---------------------------------------------------------------- custom fields

CREATE TABLE custom_fields (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  entity_type text NOT NULL CHECK (entity_type IN ('partner', 'product')),
  field_name  text NOT NULL,
  field_label text NOT NULL,
  field_type  text NOT NULL CHECK (field_type IN
                ('text', 'textarea', 'number', 'email', 'date', 'datetime', 'select', 'radio', 'checkbox')),
  options     text[] NOT NULL DEFAULT '{}',
  is_required boolean NOT NULL DEFAULT false,
  is_active   boolean NOT NULL DEFAULT true,
  position    int NOT NULL,
  created_at  timestamptz NOT NULL DEFAULT app_now(),
  updated_at  timestamptz NOT NULL DEFAULT app_now(),
  CONSTRAINT custom_fields_name UNIQUE (entity_type, field_name),
  CHECK ((field_type IN ('select', 'radio')) = (cardinality(options) > 0))
);

-- `entity_id` is a partner's number, or a product's id.
CREATE TABLE custom_field_values (
  field_id   bigint NOT NULL REFERENCES custom_fields (id) ON DELETE CASCADE,
  entity_id  text NOT NULL,
  value      text NOT NULL,
  updated_at timestamptz NOT NULL DEFAULT app_now(),
  PRIMARY KEY (field_id, entity_id)
);
CREATE INDEX custom_field_values_entity ON custom_field_values (entity_id);

-- ---------------------------------------------------------------- what is there from the first day

INSERT INTO price_lists (code, name) VALUES ('PL1', 'Retail');
INSERT INTO payment_terms (name, description, days, is_credit, is_cash, is_bank_transfer) VALUES
  ('30 days', 'Due 30 days after delivery', 30, true, false, false),
  ('60 days', 'Due 60 days after delivery', 60, true, false, false),
  ('Cash', 'Paid on delivery', 0, false, true, false),
  ('Bank transfer', 'Paid by bank transfer before delivery', 0, false, false, true);
INSERT INTO vat_taxes (code, type, name, percentage) VALUES
  ('VAT20', 'STANDARD', 'VAT 20%', 20), ('VAT18', 'STANDARD', 'GST 18%', 18), ('VAT14', 'REDUCED', 'VAT 14%', 14),
  ('VAT10', 'REDUCED', 'VAT 10%', 10), ('VAT7', 'REDUCED', 'VAT 7%', 7), ('VAT0', 'ZERO', 'VAT 0%', 0);
INSERT INTO custom_fields (entity_type, field_name, field_label, field_type, position)
VALUES ('partner', 'partner_tax_id', 'Tax ID', 'text', 1);

INSERT INTO geo_areas (type, code, name, name_ar) VALUES
  ('region', 'MA-01', 'Tanger-Tétouan-Al Hoceïma', 'طنجة تطوان الحسيمة'), ('region', 'MA-02', 'L''Oriental', 'الشرق'),
  ('region', 'MA-03', 'Fès-Meknès', 'فاس مكناس'), ('region', 'MA-04', 'Rabat-Salé-Kénitra', 'الرباط سلا القنيطرة'),
  ('region', 'MA-05', 'Béni Mellal-Khénifra', 'بني ملال خنيفرة'), ('region', 'MA-06', 'Casablanca-Settat', 'الدار البيضاء سطات'),
  ('region', 'MA-07', 'Marrakech-Safi', 'مراكش آسفي'), ('region', 'MA-08', 'Drâa-Tafilalet', 'درعة تافيلالت'),
  ('region', 'MA-09', 'Souss-Massa', 'سوس ماسة'), ('region', 'MA-10', 'Guelmim-Oued Noun', 'كلميم واد نون'),
  ('region', 'MA-11', 'Laâyoune-Sakia El Hamra', 'العيون الساقية الحمراء'), ('region', 'MA-12', 'Dakhla-Oued Ed-Dahab', 'الداخلة وادي الذهب');
INSERT INTO geo_areas (type, code, name, name_ar, parent_id)
SELECT 'city', c.code, c.name, c.name_ar, r.id FROM (VALUES
  ('TNG', 'Tanger', 'طنجة', 'MA-01'), ('TTU', 'Tétouan', 'تطوان', 'MA-01'), ('AHU', 'Al Hoceïma', 'الحسيمة', 'MA-01'),
  ('OUD', 'Oujda', 'وجدة', 'MA-02'), ('NDR', 'Nador', 'الناظور', 'MA-02'), ('FEZ', 'Fès', 'فاس', 'MA-03'),
  ('MEK', 'Meknès', 'مكناس', 'MA-03'), ('TAZ', 'Taza', 'تازة', 'MA-03'), ('RBA', 'Rabat', 'الرباط', 'MA-04'),
  ('SAL', 'Salé', 'سلا', 'MA-04'), ('KEN', 'Kénitra', 'القنيطرة', 'MA-04'), ('BEM', 'Béni Mellal', 'بني ملال', 'MA-05'),
  ('KHO', 'Khouribga', 'خريبكة', 'MA-05'), ('CAS', 'Casablanca', 'الدار البيضاء', 'MA-06'), ('MOH', 'Mohammédia', 'المحمدية', 'MA-06'),
  ('SET', 'Settat', 'سطات', 'MA-06'), ('EJD', 'El Jadida', 'الجديدة', 'MA-06'), ('RAK', 'Marrakech', 'مراكش', 'MA-07'),
  ('SFI', 'Safi', 'آسفي', 'MA-07'), ('ESU', 'Essaouira', 'الصويرة', 'MA-07'), ('ERH', 'Errachidia', 'الرشيدية', 'MA-08'),
  ('OZZ', 'Ouarzazate', 'ورزازات', 'MA-08'), ('AGA', 'Agadir', 'أكادير', 'MA-09'), ('TRD', 'Taroudant', 'تارودانت', 'MA-09'),
  ('GLN', 'Guelmim', 'كلميم', 'MA-10'), ('EUN', 'Laâyoune', 'العيون', 'MA-11'), ('VIL', 'Dakhla', 'الداخلة', 'MA-12')
) AS c (code, name, name_ar, region) JOIN geo_areas r ON r.code = c.region;
INSERT INTO geo_areas (type, code, name, name_ar, parent_id)
SELECT 'area', a.code, a.name, a.name_ar, c.id FROM (VALUES
  ('AREA1', 'North', 'الشمال', 'CAS'), ('AREA2', 'South', 'الجنوب', 'CAS'), ('AREA3', 'Centre', 'الوسط', 'CAS')
) AS a (code, name, name_ar, city) JOIN geo_areas c ON c.code = a.city;
