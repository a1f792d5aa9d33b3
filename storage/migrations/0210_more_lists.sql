-- Lists of staff that grow with the years, in their usual order.
CREATE INDEX files_kept ON files (created_at DESC, id DESC) WHERE state = 'kept';
CREATE INDEX invoices_issued ON invoices (issued_on DESC, id DESC);
CREATE INDEX quotes_created ON quotes (created_at DESC, id DESC);
