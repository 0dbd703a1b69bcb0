-- A code may stand in several lists, and how many decides whether it is worth anything.
CREATE TABLE coupons (
    code text NOT NULL,
    list text NOT NULL,
    PRIMARY KEY (code, list)
);
