-- The same moment, some ten times cheaper: a function in SQL that reads a table is set up anew in every statement and
-- run as a query of its own for every value that asks; this one is set up once a session.
CREATE OR REPLACE FUNCTION app_now() RETURNS timestamptz LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
  RETURN (SELECT app_at + (clock_timestamp() - real_at) * speed FROM app_clock);
END $$;
