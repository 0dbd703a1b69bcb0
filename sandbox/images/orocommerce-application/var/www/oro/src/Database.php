<?php

declare(strict_types=1);

namespace Standin;

use PDO;
use PDOException;

/** A connection to PostgreSQL, and the questions every role asks it. */
final class Database
{
    /** Any number will do, as long as install and restore agree on it. */
    private const INSTALL_LOCK = 6_100_601;

    private function __construct(public readonly PDO $pdo)
    {
    }

    public static function connect(): self
    {
        $at = Environment::database();
        $dsn = sprintf(
            "pgsql:host=%s;port=%d;dbname=%s;sslmode=%s;connect_timeout=5;options='--client_encoding=UTF8'",
            $at['host'],
            $at['port'],
            $at['name'],
            $at['sslmode'],
        );
        try {
            $pdo = new PDO($dsn, $at['user'], $at['password'], [PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION]);
        } catch (PDOException $exception) {
            $reason = preg_replace('/\s+/', ' ', $exception->getMessage());
            throw new Failure("no connection to database {$at['name']} at {$at['host']}:{$at['port']}: $reason");
        }

        return new self($pdo);
    }

    public function hasTable(string $name): bool
    {
        $found = $this->pdo->prepare('SELECT to_regclass(?) IS NOT NULL');
        $found->execute(["public.$name"]);

        return (bool) $found->fetchColumn();
    }

    public function hasAnyTable(): bool
    {
        $count = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";

        return (int) $this->pdo->query($count)->fetchColumn() > 0;
    }

    /** The installed version, or null if the schema is not there. */
    public function installedVersion(): ?string
    {
        if (!$this->hasTable('oro_config')) {
            return null;
        }

        return $this->config('application.version');
    }

    public function config(string $name): ?string
    {
        $value = $this->pdo->prepare('SELECT text_value FROM oro_config WHERE name = ?');
        $value->execute([$name]);
        $found = $value->fetchColumn();

        return $found === false ? null : (string) $found;
    }

    public function setConfig(string $name, string $value): void
    {
        $this->pdo->prepare(
            'INSERT INTO oro_config (name, text_value) VALUES (?, ?)
             ON CONFLICT (name) DO UPDATE SET text_value = excluded.text_value, updated_at = now()',
        )->execute([$name, $value]);
    }

    /**
     * Does $work in one transaction, one process at a time: two Jobs that install
     * at once do not meet in the middle of the schema.
     */
    public function alone(callable $work): mixed
    {
        $this->pdo->beginTransaction();
        try {
            $this->pdo->exec('SELECT pg_advisory_xact_lock(' . self::INSTALL_LOCK . ')');
            $result = $work();
            $this->pdo->commit();

            return $result;
        } catch (\Throwable $thrown) {
            if ($this->pdo->inTransaction()) {
                $this->pdo->rollBack();
            }
            throw $thrown;
        }
    }
}
