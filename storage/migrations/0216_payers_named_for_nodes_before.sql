-- While nodes are replaced one by one, those of before do not name whom they bill: it is who their preview names, the app whose customer
-- books, or the organisation, as they would bill them.
CREATE FUNCTION booking_payer_find() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.billed_to := coalesce((SELECT p.billed_to FROM checkout_previews p WHERE p.id = NEW.preview_id),
    (SELECT c.integration_id FROM integration_customers c WHERE c.account_id = NEW.account_id), NEW.organisation_id);
  RETURN NEW;
END $$;
CREATE TRIGGER booking_payer_find BEFORE INSERT ON bookings FOR EACH ROW
  WHEN (NEW.payment_method = 'account' AND NEW.billed_to IS NULL) EXECUTE FUNCTION booking_payer_find();
