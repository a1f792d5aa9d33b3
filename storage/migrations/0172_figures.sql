-- What operators watch: work that waits is found without reading what is done, and who came back is counted now and then.

CREATE INDEX tasks_waiting ON tasks (created_at) WHERE finished_at IS NULL;

-- Of the customers who booked in the thirty days before the last thirty, how many booked again in the last thirty.
CREATE TABLE returning_customers (
  only_row   boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  booked     bigint NOT NULL CHECK (booked >= 0),
  returned   bigint NOT NULL CHECK (returned BETWEEN 0 AND booked),
  counted_at timestamptz
);
INSERT INTO returning_customers (booked, returned) VALUES (0, 0);
