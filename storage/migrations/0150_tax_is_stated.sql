-- Every invoice states its tax: that was never a choice.
ALTER TABLE billing_settings DROP COLUMN include_tax;
