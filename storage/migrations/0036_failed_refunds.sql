-- A refund that fails after its booking's end gives its money back to where it belongs then: to the loss that it was booked
-- as, or, where the booking was cancelled, to an account of what is still owed to its customer.

ALTER TABLE ledger_accounts DROP CONSTRAINT ledger_accounts_type_check,
  ADD CONSTRAINT ledger_accounts_type_check CHECK (type IN (
    'gateway_clearing', 'bank', 'prepaid', 'surplus', 'refund_clearing', 'refund_owed', 'payout_clearing', 'tax_payable',
    'platform_revenue', 'fee_revenue', 'promo_expense', 'promo_funding', 'refunds', 'gateway_fees',
    'adjustments', 'wallet', 'receivable', 'payable', 'cash_in_hand'));

ALTER TABLE refunds
  -- How much of it came out of what an earlier refund had failed to give back.
  ADD COLUMN owed_minor bigint NOT NULL DEFAULT 0 CHECK (owed_minor >= 0),
  -- Where `prepaid_minor` went when it failed.
  ADD COLUMN returned_to text CHECK (returned_to IN ('prepaid', 'refunds', 'refund_owed')),
  ADD CHECK (prepaid_minor + owed_minor <= amount_minor),
  ADD CHECK (returned_to IS NULL OR status = 'failed');
