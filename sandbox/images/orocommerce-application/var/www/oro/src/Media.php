<?php

declare(strict_types=1);

namespace Standin;

/** Product pictures in the shared folder public/media, served by nginx alone. */
final class Media
{
    private const FOLDER = Environment::ROOT . '/public/media/product';

    public static function publish(Database $database): void
    {
        if (is_dir(self::FOLDER) && glob(self::FOLDER . '/*.svg')) {
            echo "public/media holds pictures already: left as they are\n";

            return;
        }
        if (!is_dir(self::FOLDER) && !@mkdir(self::FOLDER, 0755, true)) {
            throw new Failure('cannot make public/media/product: ' . (error_get_last()['message'] ?? 'unknown reason'));
        }
        $skus = $database->pdo->query('SELECT sku FROM oro_product ORDER BY sku')->fetchAll(\PDO::FETCH_COLUMN);
        foreach ($skus as $sku) {
            if (@file_put_contents(self::FOLDER . "/$sku.svg", self::picture($sku)) === false) {
                throw new Failure('cannot write to public/media/product: ' . (error_get_last()['message'] ?? 'unknown reason'));
            }
        }
        echo count($skus), " pictures written to public/media\n";
    }

    /** A tile whose colour is the product's own. */
    private static function picture(string $sku): string
    {
        $hue = crc32($sku) % 360;

        return <<<SVG
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 80">
            <rect width="120" height="80" rx="6" fill="hsl($hue 45% 88%)"/>
            <circle cx="60" cy="36" r="18" fill="hsl($hue 45% 55%)"/>
            <text x="60" y="72" font-size="11" text-anchor="middle" fill="hsl($hue 45% 25%)" font-family="sans-serif">$sku</text>
            </svg>

            SVG;
    }
}
