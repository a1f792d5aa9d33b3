-- An app's customers are searched by indexes of words: what somebody types is words or a phone, so those of their accounts, which have
-- no phone to sign in with, and the phones by which the app knows them are looked up apart.
CREATE INDEX accounts_words_unreached ON accounts USING gin (account_words(name, email, phone))
  WHERE phone IS NULL AND erased_at IS NULL;
CREATE INDEX integration_customers_phone ON integration_customers USING gin (array_to_tsvector(search_phone(phone)));
