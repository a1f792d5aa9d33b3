-- Guesses from where a code was asked for and from elsewhere are counted apart; what may happen so often a day.
ALTER TABLE otp_challenges
  ADD COLUMN network text,
  ADD COLUMN strange_attempts int NOT NULL DEFAULT 0 CHECK (strange_attempts BETWEEN 0 AND 5);

CREATE TABLE day_counts (
  key  text PRIMARY KEY,
  day  date NOT NULL,
  used int NOT NULL CHECK (used > 0)
);
