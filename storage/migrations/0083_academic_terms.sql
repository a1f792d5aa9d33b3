-- The terms of a school: what campus programs and credits by the semester go by.
CREATE TABLE academic_terms (
  id              uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  organisation_id uuid NOT NULL REFERENCES organisations (id),
  name            text NOT NULL,
  academic_year   text NOT NULL,
  starts_on       date NOT NULL,
  ends_on         date NOT NULL CHECK (ends_on > starts_on),
  -- Days within it on which nothing is done.
  holidays        date[] NOT NULL DEFAULT '{}',
  created_at      timestamptz NOT NULL DEFAULT app_now(),
  -- The terms of a school follow one another.
  CONSTRAINT academic_terms_apart EXCLUDE USING gist (
    int8range(hashtextextended(organisation_id::text, 0), hashtextextended(organisation_id::text, 0), '[]') WITH &&,
    daterange(starts_on, ends_on, '[]') WITH &&)
);
CREATE INDEX academic_terms_organisation ON academic_terms (organisation_id, starts_on);
