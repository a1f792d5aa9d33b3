-- A file that is thrown away leaves a service without its image instead of standing in the way.
ALTER TABLE services DROP CONSTRAINT services_image_file_id_fkey,
  ADD CONSTRAINT services_image_file_id_fkey FOREIGN KEY (image_file_id) REFERENCES files (id) ON DELETE SET NULL;
