-- What is stored outside the database: its bytes lie in a folder or a bucket under `store_key`, all else stands here.
-- A row comes before its bytes (`staged`) and outlives them (`dropped`), so that nothing lies there unknown.
CREATE TABLE files (
  id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  owner_kind text NOT NULL CHECK (owner_kind IN
               ('house', 'account', 'technician', 'organisation', 'provider', 'trade_partner', 'integration', 'booking', 'service')),
  owner_id   uuid,
  purpose    text NOT NULL CHECK (purpose IN ('document', 'service_image', 'invoice', 'export', 'attachment')),
  name       text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  media_type text NOT NULL,
  bytes      bigint NOT NULL CHECK (bytes > 0),
  sha256     bytea NOT NULL CHECK (octet_length(sha256) = 32),
  store_key  text NOT NULL UNIQUE,
  state      text NOT NULL DEFAULT 'staged' CHECK (state IN ('staged', 'kept', 'dropped')),
  made_by    text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT app_now(),
  changed_at timestamptz NOT NULL DEFAULT app_now(),
  expires_at timestamptz,
  CHECK ((owner_kind = 'house') = (owner_id IS NULL))
);
CREATE INDEX files_owner ON files (owner_kind, owner_id, created_at DESC) WHERE state = 'kept';
CREATE INDEX files_leaving ON files (changed_at) WHERE state <> 'kept';
CREATE INDEX files_expiring ON files (expires_at) WHERE state = 'kept' AND expires_at IS NOT NULL;
