-- What was loaded, by its content: the same file is not loaded twice.
CREATE TABLE data_loads (
    sha256 text NOT NULL,
    file text NOT NULL,
    rows bigint NOT NULL,
    loaded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (sha256, file)
);
