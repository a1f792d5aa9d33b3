-- Uploaded documents of integrations lie where all files lie.
ALTER TABLE integration_documents DROP COLUMN content, DROP COLUMN media_type;
ALTER TABLE integration_documents ADD COLUMN file_id uuid UNIQUE REFERENCES files (id);
ALTER TABLE integration_documents ADD CHECK (num_nonnulls(url, file_id) = 1);
