-- Which file a report was last is read nowhere, and kept the file from being thrown away when its time was over.
ALTER TABLE report_definitions DROP COLUMN last_file_id;
