CREATE TABLE products (
    id text PRIMARY KEY,
    name text NOT NULL,
    price numeric(10, 2) NOT NULL CHECK (price >= 0),
    category text NOT NULL
);
