CREATE TABLE data_loads (
    sha256 char(64) PRIMARY KEY,
    file text NOT NULL,
    rows integer NOT NULL,
    loaded_at timestamptz NOT NULL DEFAULT now()
);
