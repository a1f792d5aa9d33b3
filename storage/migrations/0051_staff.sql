-- Staff: the last super_admin stays one, whoever asks; a second factor; recovery codes.

-- Who was invited has not accepted yet: their membership is pending until they have chosen a password.
CREATE INDEX memberships_staff ON memberships (role, account_id) WHERE realm = 'admin';

CREATE FUNCTION is_super_admin(tie memberships) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT tie.realm = 'admin' AND tie.role = 'super_admin' AND tie.status = 'active'
$$;

CREATE FUNCTION super_admin_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- One after the other (storage/locks.py, SUPER_ADMIN): of two who demote each other the second sees the first.
  PERFORM pg_advisory_xact_lock(7250331904120);
  IF NOT EXISTS (
    SELECT FROM memberships m JOIN accounts a ON a.id = m.account_id
    WHERE is_super_admin(m) AND a.is_active AND a.erased_at IS NULL) THEN
    RAISE EXCEPTION 'no super_admin would be left' USING ERRCODE = '23514', CONSTRAINT = 'last_super_admin';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER memberships_super_admin_changed AFTER UPDATE ON memberships FOR EACH ROW
  WHEN (is_super_admin(OLD) AND NOT is_super_admin(NEW)) EXECUTE FUNCTION super_admin_stays();
CREATE TRIGGER memberships_super_admin_gone AFTER DELETE ON memberships FOR EACH ROW
  WHEN (is_super_admin(OLD)) EXECUTE FUNCTION super_admin_stays();

CREATE FUNCTION super_admin_account_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(7250331904120);
  IF EXISTS (SELECT FROM memberships m WHERE m.account_id = NEW.id AND is_super_admin(m)) AND NOT EXISTS (
    SELECT FROM memberships m JOIN accounts a ON a.id = m.account_id
    WHERE is_super_admin(m) AND a.is_active AND a.erased_at IS NULL) THEN
    RAISE EXCEPTION 'no super_admin would be left' USING ERRCODE = '23514', CONSTRAINT = 'last_super_admin';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER accounts_super_admin AFTER UPDATE OF is_active, erased_at ON accounts FOR EACH ROW
  WHEN (OLD.is_active AND OLD.erased_at IS NULL AND NOT (NEW.is_active AND NEW.erased_at IS NULL))
  EXECUTE FUNCTION super_admin_account_stays();

-- The second factor of whoever wants one. `last_step` is the newest half minute whose code was used: each is good once.
CREATE TABLE staff_totp (
  account_id   uuid PRIMARY KEY REFERENCES accounts (id),
  sealed       bytea NOT NULL,
  confirmed_at timestamptz,
  last_step    bigint NOT NULL DEFAULT 0,
  created_at   timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TABLE staff_recovery_codes (
  account_id uuid NOT NULL REFERENCES staff_totp (account_id) ON DELETE CASCADE,
  code_hash  bytea NOT NULL,
  used_at    timestamptz,
  PRIMARY KEY (account_id, code_hash)
);
