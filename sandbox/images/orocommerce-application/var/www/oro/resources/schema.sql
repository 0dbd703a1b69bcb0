CREATE TABLE oro_config (
    name text PRIMARY KEY,
    text_value text NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE oro_user (
    id serial PRIMARY KEY,
    username text NOT NULL UNIQUE,
    email text NOT NULL,
    first_name text NOT NULL,
    last_name text NOT NULL,
    password text NOT NULL
);

CREATE TABLE oro_product (
    id serial PRIMARY KEY,
    sku text NOT NULL UNIQUE,
    name text NOT NULL
);

CREATE TABLE oro_price_product (
    product_id integer PRIMARY KEY REFERENCES oro_product (id) ON DELETE CASCADE,
    value numeric(12, 2) NOT NULL CHECK (value >= 0),
    currency char(3) NOT NULL DEFAULT 'USD'
);

CREATE TABLE oro_message_queue (
    id bigserial PRIMARY KEY,
    queue text NOT NULL DEFAULT 'oro.default',
    topic text NOT NULL,
    body jsonb NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    delayed_until timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX oro_message_queue_due ON oro_message_queue (delayed_until, id);

CREATE TABLE oro_cron_run (
    minute timestamptz PRIMARY KEY,
    host text NOT NULL
);
