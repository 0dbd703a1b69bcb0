<?php

declare(strict_types=1);

namespace Standin;

/** The one page: what the shop sells, and which parts of the stack answered. */
final class Storefront
{
    public static function answer(): void
    {
        header('Cache-Control: no-store');
        $path = (string) parse_url($_SERVER['REQUEST_URI'] ?? '/', PHP_URL_PATH);
        if (is_file(Environment::maintenanceFile())) {
            self::unavailable('The shop is closed for maintenance.');

            return;
        }
        if ($path === '/version') {
            // Which code answers, at the least cost.
            header('Content-Type: text/plain');
            echo Environment::version(), "\n";

            return;
        }
        if ($path !== '/' && $path !== '/index.php') {
            http_response_code(404);
            self::page('Not found', '<p>There is no such page.</p>');

            return;
        }
        try {
            $database = Database::connect();
            if ($database->installedVersion() === null) {
                self::unavailable('The application is not installed yet.');

                return;
            }
            self::page('Products', self::products($database) . self::stack($database));
        } catch (Failure | \PDOException $exception) {
            error_log($exception->getMessage());
            self::unavailable('The database does not answer.');
        }
    }

    private static function unavailable(string $reason): void
    {
        http_response_code(503);
        header('Retry-After: 5');
        self::page('Unavailable', '<p>' . self::escape($reason) . '</p>');
    }

    private static function products(Database $database): string
    {
        $rows = $database->pdo->query(
            'SELECT sku, name, value, currency FROM oro_product
             JOIN oro_price_product ON product_id = oro_product.id ORDER BY name',
        );
        $items = '';
        foreach ($rows as $row) {
            $sku = self::escape($row['sku']);
            $items .= sprintf(
                '<li><img src="/media/product/%s.svg" alt="" width="120" height="80"><strong>%s</strong>'
                . '<span>%s</span><span class="price">%s %s</span></li>' . "\n",
                $sku,
                self::escape($row['name']),
                $sku,
                self::escape($row['value']),
                self::escape($row['currency']),
            );
        }

        return $items === '' ? '<p>No products: sample data was not asked for.</p>' : "<ul class=\"products\">\n$items</ul>\n";
    }

    private static function stack(Database $database): string
    {
        $facts = [
            'application' => Environment::version(),
            'installed' => (string) $database->installedVersion(),
            'cache warmed' => Cache::warmedAt() ?? 'no',
            'php-fpm host' => (string) gethostname(),
            'web host' => (string) ($_SERVER['ORO_WEB_HOSTNAME'] ?? 'unknown'),
            'PHP' => PHP_VERSION,
            'PostgreSQL' => (string) $database->pdo->query('SHOW server_version')->fetchColumn(),
            'messages in the queue' => (string) MessageQueue::length($database),
        ];
        $rows = '';
        foreach ($facts as $name => $value) {
            $rows .= sprintf("<tr><th>%s</th><td>%s</td></tr>\n", self::escape($name), self::escape($value));
        }

        return "<table>\n$rows<tr><th>websocket time</th><td id=\"time\">-</td></tr>\n</table>\n"
            . '<script src="/js/time.js" defer></script>' . "\n";
    }

    private static function page(string $title, string $body): void
    {
        header('Content-Type: text/html; charset=utf-8');
        $domain = self::escape(Environment::get('ORO_APP_DOMAIN', 'oro.demo'));
        echo <<<HTML
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>$title - $domain</title>
            <link rel="stylesheet" href="/css/storefront.css">
            </head>
            <body>
            <header><h1>$domain</h1><p>Storefront stand-in of the sandbox</p></header>
            <main>
            $body
            </main>
            </body>
            </html>

            HTML;
    }

    private static function escape(string $text): string
    {
        return htmlspecialchars($text, ENT_QUOTES | ENT_SUBSTITUTE);
    }
}
