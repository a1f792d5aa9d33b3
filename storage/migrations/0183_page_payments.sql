-- What came in at a page of the gateway that is no booking's payment: an organisation's invoice, a provider's bill.
CREATE TABLE page_payments (
  gateway_payment_id text PRIMARY KEY,
  -- The invoice payment or the bill that the page was made for.
  reference    uuid NOT NULL,
  amount_minor bigint NOT NULL CHECK (amount_minor > 0),
  currency     char(3) NOT NULL,
  captured_at  timestamptz NOT NULL DEFAULT app_now()
);
CREATE INDEX page_payments_captured ON page_payments (captured_at);
