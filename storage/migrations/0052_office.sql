-- Lists of the back office: customers, letters, alerts; who is on duty, and whom an alert has reached.

-- What people look for: words of name and address, and a phone's digits from both ends.
-- Bound when it is made: an index is built without the names of our schema.
CREATE FUNCTION account_words(name text, email text, phone text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN array_to_tsvector(ARRAY(SELECT DISTINCT left(word, 100) FROM unnest(
    search_words(name) || search_words(email) || search_phone(phone)) AS word));
CREATE INDEX accounts_words ON accounts USING gin (account_words(name, email, phone))
  WHERE phone IS NOT NULL AND erased_at IS NULL;
CREATE INDEX accounts_users ON accounts (created_at DESC, id DESC) WHERE phone IS NOT NULL AND erased_at IS NULL;
CREATE INDEX contact_submissions_list ON contact_submissions (created_at DESC, id DESC);
CREATE INDEX alerts_list ON alerts (created_at DESC, id DESC);
CREATE INDEX alerts_open_list ON alerts (created_at DESC, id DESC) WHERE resolved_at IS NULL;

-- Who is on duty when, and how they are told.
CREATE TABLE rota (
  id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  account_id uuid NOT NULL REFERENCES accounts (id),
  starts_at  timestamptz NOT NULL,
  ends_at    timestamptz NOT NULL,
  channels   text[] NOT NULL DEFAULT '{email}' CHECK (channels <@ '{email,push}' AND cardinality(channels) > 0),
  created_at timestamptz NOT NULL DEFAULT app_now(),
  CONSTRAINT rota_forward CHECK (ends_at > starts_at AND ends_at <= starts_at + interval '31 days')
);
CREATE INDEX rota_when ON rota (ends_at, starts_at);
CREATE INDEX rota_list ON rota (starts_at DESC, id DESC);

-- Each person hears of an alert once.
CREATE TABLE alert_notices (
  alert_id   uuid NOT NULL REFERENCES alerts (id) ON DELETE CASCADE,
  account_id uuid NOT NULL REFERENCES accounts (id),
  told_at    timestamptz NOT NULL DEFAULT app_now(),
  PRIMARY KEY (alert_id, account_id)
);
