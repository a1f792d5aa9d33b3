-- A school's program that goes by the terms of a year: its credit is of each term, and nothing is done between them.
ALTER TABLE programs ADD COLUMN academic_year text;
