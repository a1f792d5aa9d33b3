-- As payments of invoices: links are asked about, and sent, in turn, so that those in trouble keep no others waiting.
ALTER TABLE platform_bills ADD COLUMN asked_at timestamptz;
DROP INDEX platform_bills_links;
CREATE INDEX platform_bills_asked ON platform_bills (asked_at NULLS FIRST, created_at) WHERE link_is_open;

ALTER TABLE invoices ADD COLUMN link_tried_at timestamptz;
