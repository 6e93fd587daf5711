-- The canonical invoicing schema. Names follow the parties and references of EN 16931 (BT numbers in the comments).
--
-- What hangs on what: an issued invoice keeps its customer, contact, payments, reminders and documents from being
-- deleted (RESTRICT); its lines go with it; addresses, bank accounts and the log of e-mails outlive their contact.
-- updated_at is set by a trigger; null = unchanged since the row was made. restricted_at marks a restriction
-- (Art. 18, 21 GDPR), restricted_purposes names the purposes that it bars; null = all of them.
CREATE TABLE customer (
  customer_id        bigint PRIMARY KEY,
  customer_number    text NOT NULL UNIQUE,
  kind               text NOT NULL CHECK (kind IN ('company', 'sole_trader')),
  name               text NOT NULL,                                -- BT-44
  organisation_no    text,                                         -- BT-47; a sole trader's is a personal number
  vat_no             text,                                         -- BT-48
  email              text,
  phone              text,
  language           text,
  payment_terms_days integer NOT NULL DEFAULT 30,
  credit_limit       numeric(14,2),
  blocked            boolean NOT NULL DEFAULT false,
  created_at         timestamptz NOT NULL,
  updated_at         timestamptz,
  restricted_at      timestamptz,
  restricted_purposes text[]
);
CREATE INDEX customer_email ON customer (lower(btrim(email)));

CREATE TABLE customer_contact (
  contact_id         bigint PRIMARY KEY,
  customer_id        bigint NOT NULL REFERENCES customer ON DELETE RESTRICT,
  given_name         text,
  family_name        text,                                         -- BT-56
  role               text,
  email              text,                                         -- BT-58
  former_email       text,
  phone              text,                                         -- BT-57
  mobile             text,
  language           text,
  receives_invoices  boolean NOT NULL DEFAULT true,
  crm_contact_id     text,
  inactive_since     date,
  created_at         timestamptz NOT NULL,
  updated_at         timestamptz,
  restricted_at      timestamptz,
  restricted_purposes text[]
);
CREATE INDEX customer_contact_customer ON customer_contact (customer_id);
CREATE INDEX customer_contact_email ON customer_contact (lower(btrim(email)));
CREATE INDEX customer_contact_former_email ON customer_contact (lower(btrim(former_email)));
CREATE INDEX customer_contact_crm ON customer_contact (crm_contact_id);

CREATE TABLE address (
  address_id         bigint PRIMARY KEY,
  customer_id        bigint NOT NULL REFERENCES customer ON DELETE RESTRICT,
  contact_id         bigint REFERENCES customer_contact ON DELETE SET NULL,
  kind               text NOT NULL CHECK (kind IN ('billing', 'delivery')),
  line1              text,                                         -- BT-50, BT-75
  line2              text,                                         -- BT-51, BT-76
  post_code          text,                                         -- BT-53, BT-78
  city               text,                                         -- BT-52, BT-77
  country            text NOT NULL DEFAULT 'SE',                   -- BT-55, BT-80
  valid_from         date,
  updated_at timestamptz
);
CREATE INDEX address_customer ON address (customer_id);
CREATE INDEX address_contact ON address (contact_id);

CREATE TABLE bank_account (
  bank_account_id    bigint PRIMARY KEY,
  customer_id        bigint NOT NULL REFERENCES customer ON DELETE RESTRICT,
  contact_id         bigint REFERENCES customer_contact ON DELETE SET NULL,
  holder             text,                                         -- BT-85
  iban               text,                                         -- BT-84
  bankgiro           text,
  bic                text,                                         -- BT-86
  bank_name          text,
  created_at         timestamptz NOT NULL,
  updated_at timestamptz
);
CREATE INDEX bank_account_customer ON bank_account (customer_id);
CREATE INDEX bank_account_contact ON bank_account (contact_id);

CREATE TABLE invoice (
  invoice_id            bigint PRIMARY KEY,
  invoice_number        text NOT NULL UNIQUE,                      -- BT-1
  customer_id           bigint NOT NULL REFERENCES customer ON DELETE RESTRICT,
  contact_id            bigint REFERENCES customer_contact ON DELETE RESTRICT,
  your_reference        text,                                      -- BT-10
  order_no              text,                                      -- BT-13
  buyer_name            text,                                      -- BT-44
  buyer_organisation_no text,                                      -- BT-47
  buyer_vat_no          text,                                      -- BT-48
  billing_line1         text,                                      -- BT-50
  billing_post_code     text,                                      -- BT-53
  billing_city          text,                                      -- BT-52
  billing_country       text,                                      -- BT-55
  delivery_name         text,                                      -- BT-70
  delivery_line1        text,                                      -- BT-75
  delivery_post_code    text,                                      -- BT-78
  delivery_city         text,                                      -- BT-77
  issued_at             date,                                      -- BT-2
  due_at                date,                                      -- BT-9
  booked_at             timestamptz,
  fiscal_year_end       date,
  currency              text NOT NULL DEFAULT 'SEK',               -- BT-5
  net_amount            numeric(14,2) NOT NULL,                    -- BT-109
  vat_amount            numeric(14,2) NOT NULL,                    -- BT-110
  gross_amount          numeric(14,2) NOT NULL,                    -- BT-112
  status                text NOT NULL,
  note                  text,                                      -- BT-22
  legacy_ref            text,
  updated_at            timestamptz,
  restricted_at         timestamptz,
  restricted_purposes   text[]
);
CREATE INDEX invoice_customer ON invoice (customer_id);
CREATE INDEX invoice_contact ON invoice (contact_id);

CREATE TABLE invoice_line (
  line_id     bigint PRIMARY KEY,
  invoice_id  bigint NOT NULL REFERENCES invoice ON DELETE CASCADE,
  position    integer NOT NULL,                                    -- BT-126
  item_no     text,                                                -- BT-155
  description text NOT NULL,                                       -- BT-153
  quantity    numeric(12,3) NOT NULL,                              -- BT-129
  unit        text,                                                -- BT-130
  unit_price  numeric(14,4) NOT NULL,                              -- BT-146
  vat_rate    numeric(5,2) NOT NULL,                               -- BT-152
  net_amount  numeric(14,2) NOT NULL,                              -- BT-131
  updated_at  timestamptz,
  UNIQUE (invoice_id, position)
);

CREATE TABLE payment (
  payment_id    bigint PRIMARY KEY,
  invoice_id    bigint NOT NULL REFERENCES invoice ON DELETE RESTRICT,
  paid_at       timestamptz NOT NULL,
  amount        numeric(14,2) NOT NULL,
  currency      text NOT NULL DEFAULT 'SEK',
  method        text,                                              -- BT-82
  payer_name    text,
  payer_account text,
  reference     text, -- BT-83
  updated_at timestamptz
);
CREATE INDEX payment_invoice ON payment (invoice_id);

CREATE TABLE reminder (
  reminder_id bigint PRIMARY KEY,
  invoice_id  bigint NOT NULL REFERENCES invoice ON DELETE RESTRICT,
  level       integer NOT NULL,
  sent_at     timestamptz NOT NULL,
  fee         numeric(10,2),
  channel     text,
  recipient   text,
  updated_at timestamptz
);
CREATE INDEX reminder_invoice ON reminder (invoice_id);

CREATE TABLE invoice_document (
  document_id bigint PRIMARY KEY,
  invoice_id  bigint NOT NULL REFERENCES invoice ON DELETE RESTRICT,
  kind        text NOT NULL,
  file_name   text NOT NULL,
  media_type  text NOT NULL,
  content     bytea NOT NULL,
  created_at  timestamptz NOT NULL,
  updated_at timestamptz
);
CREATE INDEX invoice_document_invoice ON invoice_document (invoice_id);

CREATE TABLE email_dispatch (
  dispatch_id bigint PRIMARY KEY,
  contact_id  bigint REFERENCES customer_contact ON DELETE SET NULL,
  invoice_id  bigint REFERENCES invoice ON DELETE SET NULL,
  recipient   text NOT NULL,
  subject     text,
  status      text NOT NULL,
  message_id  text,
  sent_at     timestamptz NOT NULL,
  opened_at   timestamptz,
  updated_at timestamptz
);
CREATE INDEX email_dispatch_contact ON email_dispatch (contact_id);
CREATE INDEX email_dispatch_invoice ON email_dispatch (invoice_id);
