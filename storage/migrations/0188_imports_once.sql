-- A table of partners that is sent again under the key it was sent with goes on with the import that was begun, also where the first
-- request died between its beginning and its answer.
ALTER TABLE partner_imports ADD COLUMN asked bytea UNIQUE;
