-- Categories of services as rows of their own: what a category is called stands on services, technicians and bookings,
-- how it is shown stands here. One that a service names is there by itself.
CREATE TABLE service_categories (
  id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  name        text NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 100),
  description text,
  image_url   text,
  position    int NOT NULL DEFAULT 0,
  is_active   boolean NOT NULL DEFAULT true,
  created_at  timestamptz NOT NULL DEFAULT app_now(),
  updated_at  timestamptz NOT NULL DEFAULT app_now()
);
INSERT INTO service_categories (name) SELECT DISTINCT category FROM services WHERE deleted_at IS NULL;

CREATE FUNCTION services_have_categories() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO service_categories (name) VALUES (NEW.category) ON CONFLICT (name) DO NOTHING;
  RETURN NULL;
END $$;
CREATE TRIGGER services_have_categories AFTER INSERT OR UPDATE OF category ON services
  FOR EACH ROW EXECUTE FUNCTION services_have_categories();

-- The file behind a service's image, where it is ours.
ALTER TABLE services ADD COLUMN image_file_id uuid REFERENCES files (id);
