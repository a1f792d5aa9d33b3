-- What staff and services do is kept for good: rows are only added, and each is tied to the one before it.

-- How an entry is named outside.
ALTER TABLE audit_log ADD COLUMN key uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE;
DROP INDEX audit_resource;
CREATE INDEX audit_resource ON audit_log (resource_type, resource_id, id DESC);
CREATE INDEX audit_actor ON audit_log (actor_id, id DESC);
CREATE INDEX audit_action ON audit_log (action, id DESC);
CREATE INDEX audit_at ON audit_log (at, id);

-- The chain: the hash of entry n is made of the hash of n-1 and of the entry itself. `audit_head` is the end of it, so
-- that an end that was cut off shows too; its row is the lock that puts the entries in order.
CREATE TABLE audit_chain (
  seq      bigint PRIMARY KEY CHECK (seq > 0),
  audit_id bigint NOT NULL UNIQUE REFERENCES audit_log (id),
  hash     bytea NOT NULL
);
CREATE TABLE audit_head (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  seq      bigint NOT NULL,
  hash     bytea NOT NULL
);
INSERT INTO audit_head (seq, hash) VALUES (0, ''::bytea);

CREATE FUNCTION audit_link(previous bytea, seq bigint, a audit_log) RETURNS bytea LANGUAGE sql STABLE AS $$
  SELECT sha256(previous || convert_to(jsonb_build_array(seq, a.id, a.key, a.realm, a.actor_id, a.action,
    a.resource_type, a.resource_id, a.changes, a.ip, a.user_agent, extract(epoch FROM a.at))::text, 'UTF8'))
$$;

CREATE FUNCTION audit_chain_on(entry audit_log) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  head audit_head;
  link bytea;
BEGIN
  SELECT * INTO STRICT head FROM audit_head FOR UPDATE;
  link := audit_link(head.hash, head.seq + 1, entry);
  INSERT INTO audit_chain (seq, audit_id, hash) VALUES (head.seq + 1, entry.id, link);
  UPDATE audit_head SET seq = head.seq + 1, hash = link;
END $$;

-- What is there already is the beginning.
DO $$
DECLARE
  entry audit_log;
BEGIN
  FOR entry IN SELECT * FROM audit_log ORDER BY id LOOP
    PERFORM audit_chain_on(entry);
  END LOOP;
END $$;

CREATE FUNCTION audit_chains() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM audit_chain_on(NEW);
  RETURN NULL;
END $$;
-- Deferred: the lock is taken when all else is done, and held for the commit alone.
CREATE CONSTRAINT TRIGGER audit_chained AFTER INSERT ON audit_log
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION audit_chains();

CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% of % is refused: the audit only grows', TG_OP, TG_TABLE_NAME USING ERRCODE = '42501';
END $$;
CREATE TRIGGER audit_log_keep BEFORE UPDATE OR DELETE ON audit_log
  FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();
CREATE TRIGGER audit_log_keep_all BEFORE TRUNCATE ON audit_log
  FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();
CREATE TRIGGER audit_chain_keep BEFORE UPDATE OR DELETE ON audit_chain
  FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();
CREATE TRIGGER audit_chain_keep_all BEFORE TRUNCATE ON audit_chain
  FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();
CREATE TRIGGER audit_head_keep BEFORE DELETE ON audit_head
  FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();
