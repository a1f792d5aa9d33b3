-- A day is played again by its time, whoever it was: points come in that order, so that ranges of blocks tell enough.
CREATE INDEX position_history_time ON position_history USING brin (at);
