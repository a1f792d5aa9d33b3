-- Searches of lists that may grow go by an index of words, as the others do. A word is cut to what a search compares, for people send
-- letters with words of any length, and a tsvector holds none of more than 2 KB.
CREATE FUNCTION words_in(given text[]) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN array_to_tsvector(ARRAY(SELECT DISTINCT left(word, 100) FROM unnest(given) AS word));
CREATE INDEX contact_submissions_words ON contact_submissions USING gin (
  words_in(search_words(name) || search_words(email) || search_words(subject) || search_words(message) || search_phone(phone)));
CREATE INDEX provider_applications_words ON provider_applications USING gin (
  words_in(search_words(name) || search_words(owner_name) || search_words(email)));
CREATE INDEX payment_requests_words ON payment_requests USING gin (words_in(search_words(reference)));
CREATE INDEX payment_requests_customer ON payment_requests (customer_id);
