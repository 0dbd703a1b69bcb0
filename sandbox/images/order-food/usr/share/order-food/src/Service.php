<?php

declare(strict_types=1);

namespace OrderFood;

use PDOException;

/** The HTTP service: one request at a time, a connection each. */
final class Service
{
    private const READ_SECONDS = 5;
    private const MAX_REQUEST_BYTES = 64 << 10;
    private const API_KEY = 'apitest';

    private bool $stopping = false;
    private ?Store $store = null;
    /** @var array<string, int> requests by route and status */
    private array $served = [];

    public function run(): void
    {
        pcntl_async_signals(true);
        foreach ([SIGTERM, SIGINT] as $signal) {
            pcntl_signal($signal, function (): void {
                $this->stopping = true;
            });
        }
        $address = '0.0.0.0:' . Store::env('PORT', '8080');
        $server = @stream_socket_server("tcp://$address", $code, $message);
        if ($server === false) {
            throw new \RuntimeException("cannot listen on $address: $message");
        }
        echo "order-food listens on $address\n";
        while (!$this->stopping) {
            $read = [$server];
            $write = $except = null;
            // A signal interrupts select with a warning; the loop then sees the flag.
            if (@stream_select($read, $write, $except, 60) && ($stream = @stream_socket_accept($server, 0)) !== false) {
                $this->serve($stream);
                fclose($stream);
            }
        }
        echo "stopped on request\n";
    }

    /** @param resource $stream */
    private function serve($stream): void
    {
        [$head, $body] = $this->read($stream);
        if ($head === '') {
            return;
        }
        $lines = explode("\r\n", $head);
        [$method, $target] = explode(' ', $lines[0]) + ['', ''];
        $headers = [];
        foreach (array_slice($lines, 1) as $line) {
            [$name, $value] = explode(':', $line, 2) + [1 => ''];
            $headers[strtolower(trim($name))] = trim($value);
        }
        $path = (string) parse_url($target, PHP_URL_PATH);
        try {
            [$route, $status, $answer] = $this->route($method, $path, $headers, $body);
        } catch (PDOException $exception) {
            $this->store = null;
            fwrite(STDERR, 'the database failed: ' . preg_replace('/\s+/', ' ', $exception->getMessage()) . "\n");
            [$route, $status, $answer] = [$path === '/ready' ? '/ready' : 'error', 503, ['status' => 'no database']];
        }
        $label = "$route $status";
        $this->served[$label] = ($this->served[$label] ?? 0) + 1;
        $type = is_string($answer) ? 'text/plain; version=0.0.4' : 'application/json';
        $text = is_string($answer) ? $answer : json_encode($answer, JSON_UNESCAPED_SLASHES) . "\n";
        @fwrite($stream, "HTTP/1.1 $status " . self::phrase($status) . "\r\nContent-Type: $type\r\nContent-Length: "
            . strlen($text) . "\r\nConnection: close\r\n\r\n" . ($method === 'HEAD' ? '' : $text));
        if (!in_array($route, ['/health', '/ready', '/metrics'], true)) {
            echo "$method $path $status\n";
        }
    }

    /**
     * @param resource $stream
     * @return array{string, string} head and body; empty if the client sent no whole request
     */
    private function read($stream): array
    {
        stream_set_timeout($stream, self::READ_SECONDS);
        $data = '';
        $expected = null;
        while ($expected === null || strlen($data) < $expected) {
            $chunk = @fread($stream, 8192);
            if ($chunk === false || $chunk === '' || strlen($data) > self::MAX_REQUEST_BYTES) {
                return ['', ''];
            }
            $data .= $chunk;
            $end = strpos($data, "\r\n\r\n");
            if ($expected === null && $end !== false) {
                $length = preg_match('/^content-length:\s*(\d+)/mi', substr($data, 0, $end + 2), $found) ? (int) $found[1] : 0;
                $expected = $end + 4 + $length;
            }
        }
        [$head, $body] = explode("\r\n\r\n", $data, 2);

        return [$head, $body];
    }

    /**
     * @param array<string, string> $headers
     * @return array{string, int, array<mixed>|string} route, status, answer
     */
    private function route(string $method, string $path, array $headers, string $body): array
    {
        $reading = in_array($method, ['GET', 'HEAD'], true);
        if ($path === '/health') {
            return ['/health', 200, ['status' => 'ok']];
        }
        if ($path === '/ready') {
            $this->store()->pdo->query('SELECT 1 FROM products LIMIT 1');

            return ['/ready', 200, ['status' => 'ready']];
        }
        if ($path === '/metrics') {
            return ['/metrics', 200, $this->metrics()];
        }
        if ($path === '/api/product' && $reading) {
            $rows = $this->store()->pdo->query('SELECT id, name, price, category FROM products ORDER BY id::integer');

            return ['/api/product', 200, array_map(self::product(...), $rows->fetchAll())];
        }
        if ($reading && preg_match('#^/api/product/([0-9]+)$#', $path, $found) === 1) {
            $row = $this->find($found[1]);

            return ['/api/product/ID', $row === null ? 404 : 200, $row ?? ['message' => 'no such product']];
        }
        if ($path === '/api/order' && $method === 'POST') {
            return ['/api/order', ...$this->order($headers, $body)];
        }

        return ['other', 404, ['message' => 'not found']];
    }

    /**
     * @param array<string, string> $headers
     * @return array{int, array<mixed>}
     */
    private function order(array $headers, string $body): array
    {
        if (!isset($headers['api_key'])) {
            return [401, ['message' => 'api_key is missing']];
        }
        if ($headers['api_key'] !== self::API_KEY) {
            return [403, ['message' => 'api_key is wrong']];
        }
        $request = json_decode($body, true);
        $wanted = is_array($request) ? $request['items'] ?? [] : [];
        if (!is_array($wanted) || $wanted === []) {
            return [422, ['message' => 'items are missing']];
        }
        $items = [];
        $products = [];
        foreach ($wanted as $item) {
            $id = (string) ($item['productId'] ?? '');
            $quantity = $item['quantity'] ?? null;
            $product = ctype_digit($id) ? $this->find($id) : null;
            if ($product === null || !is_int($quantity) || $quantity < 1) {
                return [422, ['message' => "product `$id`: unknown, or a quantity below 1"]];
            }
            $items[$id] = ($items[$id] ?? 0) + $quantity;
            $products[$id] = $product;
        }
        $pdo = $this->store()->pdo;
        $pdo->beginTransaction();
        $order = $pdo->prepare('INSERT INTO orders (coupon_code) VALUES (?) RETURNING id');
        $order->execute([is_string($request['couponCode'] ?? null) ? $request['couponCode'] : null]);
        $orderId = $order->fetchColumn();
        $line = $pdo->prepare('INSERT INTO order_items (order_id, product_id, quantity) VALUES (?, ?, ?)');
        $listed = [];
        foreach ($items as $id => $quantity) {
            $line->execute([$orderId, $id, $quantity]);
            $listed[] = ['productId' => (string) $id, 'quantity' => $quantity];
        }
        $pdo->commit();

        return [200, ['id' => $orderId, 'items' => $listed, 'products' => array_values($products)]];
    }

    /** @return array<string, mixed>|null */
    private function find(string $id): ?array
    {
        $found = $this->store()->pdo->prepare('SELECT id, name, price, category FROM products WHERE id = ?');
        $found->execute([$id]);
        $row = $found->fetch();

        return $row === false ? null : self::product($row);
    }

    /**
     * @param array<string, string> $row
     * @return array<string, mixed>
     */
    private static function product(array $row): array
    {
        return ['price' => (float) $row['price']] + $row;
    }

    private function metrics(): string
    {
        $text = "# HELP http_requests_total Requests answered, by route and status.\n# TYPE http_requests_total counter\n";
        foreach ($this->served as $label => $count) {
            [$route, $status] = explode(' ', $label);
            $text .= "http_requests_total{route=\"$route\",code=\"$status\"} $count\n";
        }
        try {
            $products = (int) $this->store()->pdo->query('SELECT count(*) FROM products')->fetchColumn();
            $text .= "# HELP order_food_products Products on offer.\n# TYPE order_food_products gauge\norder_food_products $products\n";
            $up = 1;
        } catch (PDOException) {
            $this->store = null;
            $up = 0;
        }

        return "{$text}# HELP order_food_database_up Whether the database answers.\n# TYPE order_food_database_up gauge\norder_food_database_up $up\n";
    }

    private function store(): Store
    {
        return $this->store ??= Store::connect();
    }

    private static function phrase(int $status): string
    {
        return match ($status) {
            200 => 'OK',
            401 => 'Unauthorized',
            403 => 'Forbidden',
            404 => 'Not Found',
            422 => 'Unprocessable Entity',
            default => 'Service Unavailable',
        };
    }
}
