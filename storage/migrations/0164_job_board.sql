-- The job board of a school: its students apply, and whoever is accepted begins as a technician.
CREATE TABLE job_postings (
  id              uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  organisation_id uuid NOT NULL REFERENCES organisations (id),
  title           text NOT NULL,
  description     text NOT NULL,
  -- What whoever is accepted will do, as the catalogue names it.
  categories      text[] NOT NULL CHECK (categories <> '{}'),
  tiers           text[] NOT NULL CHECK (tiers <> '{}'),
  -- When it is done, by the clocks of the place: ISO days, and minutes after midnight.
  days            int[] NOT NULL CHECK (days <> '{}' AND days <@ '{1,2,3,4,5,6,7}'),
  day_starts      int NOT NULL CHECK (day_starts BETWEEN 0 AND 1439),
  day_ends        int NOT NULL CHECK (day_ends BETWEEN 1 AND 1440),
  openings        int NOT NULL CHECK (openings >= 1),
  accepted        int NOT NULL DEFAULT 0 CHECK (accepted >= 0),
  closes_on       date,
  status          text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'closed')),
  posted_by       uuid REFERENCES members (id),
  created_at      timestamptz NOT NULL DEFAULT app_now(),
  words           tsvector GENERATED ALWAYS AS (array_to_tsvector(search_words(title) || search_words(description))) STORED,
  CONSTRAINT job_openings_never_passed CHECK (accepted <= openings)
);
CREATE INDEX job_postings_organisation ON job_postings (organisation_id, created_at DESC, id DESC);

CREATE TABLE job_applications (
  id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  posting_id    uuid NOT NULL REFERENCES job_postings (id),
  member_id     uuid NOT NULL REFERENCES members (id),
  phone         text NOT NULL,
  message       text,
  status        text NOT NULL DEFAULT 'applied' CHECK (status IN ('applied', 'accepted', 'rejected', 'withdrawn')),
  note          text,
  decided_by    uuid REFERENCES members (id),
  decided_at    timestamptz,
  technician_id uuid UNIQUE REFERENCES technicians (id),
  created_at    timestamptz NOT NULL DEFAULT app_now(),
  UNIQUE (posting_id, member_id),
  CHECK ((status = 'accepted') = (technician_id IS NOT NULL)),
  CHECK ((status IN ('applied', 'withdrawn')) = (decided_at IS NULL))
);
CREATE INDEX job_applications_posting ON job_applications (posting_id, created_at DESC, id DESC);
CREATE INDEX job_applications_member ON job_applications (member_id);

-- What a program publishes of itself, since when.
ALTER TABLE programs ADD COLUMN published_at timestamptz;
CREATE INDEX bookings_program ON bookings (program_id) WHERE program_id IS NOT NULL;

-- The list of a bulk booking's visits, by date.
DROP INDEX bulk_visits_bulk;
CREATE INDEX bulk_visits_bulk ON bulk_visits (bulk_id, on_date, id);
