WITH sample (sku, name, price) AS (
    VALUES
        ('HL-200', 'Headlamp, rechargeable', 34.90),
        ('SG-110', 'Safety glasses, clear', 8.25),
        ('GL-430', 'Work gloves, leather', 14.50),
        ('BT-700', 'Steel toe boots', 119.00),
        ('VE-021', 'High visibility vest', 11.80),
        ('TM-310', 'Tape measure, 8 m', 17.40),
        ('DR-180', 'Cordless drill, 18 V', 149.00),
        ('LD-005', 'Step ladder, 5 treads', 89.90)
),
product AS (
    INSERT INTO oro_product (sku, name)
    SELECT sku, name FROM sample
    RETURNING id, sku
)
INSERT INTO oro_price_product (product_id, value)
SELECT product.id, sample.price FROM product JOIN sample USING (sku);
