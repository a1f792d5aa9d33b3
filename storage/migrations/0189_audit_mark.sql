-- Up to where the audit was found to be what was written. It is sealed with a key that is not in the database, so that whoever writes
-- here can neither move it past what they changed nor write anew what lies before it.
CREATE TABLE audit_mark (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  seq      bigint NOT NULL CHECK (seq >= 0),
  hash     bytea NOT NULL,
  seal     bytea NOT NULL
);
CREATE TRIGGER audit_mark_keep BEFORE DELETE ON audit_mark
  FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();
CREATE TRIGGER audit_mark_keep_all BEFORE TRUNCATE ON audit_mark
  FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();
