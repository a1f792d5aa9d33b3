-- What stands on an invoice that was paid before this version is paid as well.
UPDATE bookings b SET payment_status = 'paid' FROM invoices i
WHERE i.id = b.invoice_id AND i.status = 'paid' AND b.status = 'completed' AND b.payment_status = 'pending';
