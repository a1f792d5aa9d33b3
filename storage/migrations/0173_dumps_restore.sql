-- A dump is put back while no schema is searched: what a generated column calls must name its own helpers in full.
CREATE OR REPLACE FUNCTION trade_partner_words(code text, name text, phone text, email text) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT ARRAY(SELECT DISTINCT left(word, 100) FROM unnest(
    public.search_words(code) || public.search_words(name) || public.search_words(email) || public.search_phone(phone)) AS word)
$$;
