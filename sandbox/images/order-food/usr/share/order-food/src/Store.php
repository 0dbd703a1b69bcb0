<?php

declare(strict_types=1);

namespace OrderFood;

use PDO;
use PDOException;

/** The database of the service, reached by the DB_* variables. */
final class Store
{
    private const RETRY_SECONDS = 2;
    private const MIGRATION_LOCK = 7_001;
    private const LOAD_LOCK = 7_002;

    private function __construct(public readonly PDO $pdo)
    {
    }

    public static function env(string $name, string $default): string
    {
        $value = getenv($name);

        return $value === false || $value === '' ? $default : $value;
    }

    /** @throws PDOException */
    public static function connect(): self
    {
        $dsn = sprintf(
            "pgsql:host=%s;port=%d;dbname=%s;sslmode=%s;connect_timeout=3",
            self::env('DB_HOST', 'postgres'),
            (int) self::env('DB_PORT', '5432'),
            self::env('DB_NAME', 'orderfood'),
            self::env('DB_SSLMODE', 'disable'),
        );

        return new self(new PDO($dsn, self::env('DB_USER', 'postgres'), self::env('DB_PASSWORD', ''), [
            PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION,
            PDO::ATTR_DEFAULT_FETCH_MODE => PDO::FETCH_ASSOC,
        ]));
    }

    /** Connects, or says why not after DB_CONNECT_TRIES tries. */
    public static function connectPatiently(): self
    {
        $tries = max(1, (int) self::env('DB_CONNECT_TRIES', '10'));
        for ($try = 1; ; $try++) {
            try {
                return self::connect();
            } catch (PDOException $exception) {
                $reason = preg_replace('/\s+/', ' ', $exception->getMessage());
                fwrite(STDERR, "no database, try $try of $tries: $reason\n");
                if ($try === $tries) {
                    throw $exception;
                }
                sleep(self::RETRY_SECONDS);
            }
        }
    }

    /**
     * Applies the migrations that are missing, in order, each in a transaction of its own.
     *
     * @return int how many were applied
     */
    public function migrate(string $folder): int
    {
        return $this->alone(self::MIGRATION_LOCK, function () use ($folder): int {
            $this->pdo->exec(
                'CREATE TABLE IF NOT EXISTS schema_migrations (
                     version integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())',
            );
            $done = $this->pdo->query('SELECT version FROM schema_migrations')->fetchAll(PDO::FETCH_COLUMN);
            $applied = 0;
            foreach (glob("$folder/*.sql") ?: [] as $file) {
                $name = basename($file, '.sql');
                if (in_array((int) $name, array_map(intval(...), $done), true)) {
                    continue;
                }
                $this->pdo->beginTransaction();
                $this->pdo->exec((string) file_get_contents($file));
                $this->pdo->prepare('INSERT INTO schema_migrations (version, name) VALUES (?, ?)')
                    ->execute([(int) $name, $name]);
                $this->pdo->commit();
                echo "applied $name\n";
                $applied++;
            }

            return $applied;
        });
    }

    /**
     * Loads the products of a CSV file, unless this very content was loaded before.
     *
     * @return int|null the number of rows, or null if there was nothing to do
     */
    public function load(string $file): ?int
    {
        $content = @file_get_contents($file);
        if ($content === false) {
            throw new \RuntimeException("cannot read $file");
        }
        $digest = hash('sha256', $content);

        return $this->alone(self::LOAD_LOCK, function () use ($file, $content, $digest): ?int {
            $seen = $this->pdo->prepare('SELECT 1 FROM data_loads WHERE sha256 = ?');
            $seen->execute([$digest]);
            if ($seen->fetchColumn() !== false) {
                return null;
            }
            $this->pdo->beginTransaction();
            $upsert = $this->pdo->prepare(
                'INSERT INTO products (id, name, price, category) VALUES (?, ?, ?, ?)
                 ON CONFLICT (id) DO UPDATE
                 SET name = excluded.name, price = excluded.price, category = excluded.category',
            );
            $lines = explode("\n", trim($content));
            foreach (array_slice($lines, 1) as $number => $line) {
                $fields = str_getcsv($line);
                if (count($fields) !== 4) {
                    $this->pdo->rollBack();
                    throw new \RuntimeException(sprintf('%s:%d: expected 4 fields, found %d', $file, $number + 2, count($fields)));
                }
                $upsert->execute($fields);
            }
            $rows = count($lines) - 1;
            $this->pdo->prepare('INSERT INTO data_loads (sha256, file, rows) VALUES (?, ?, ?)')
                ->execute([$digest, $file, $rows]);
            $this->pdo->commit();

            return $rows;
        });
    }

    /** Does $work while this session holds the advisory lock; the server frees it if we die. */
    private function alone(int $lock, callable $work): mixed
    {
        $this->pdo->exec("SELECT pg_advisory_lock($lock)");
        $result = $work();
        $this->pdo->exec("SELECT pg_advisory_unlock($lock)");

        return $result;
    }
}
