<?php

declare(strict_types=1);

namespace Standin;

/** The queue table, as the `dbal:` transport keeps it: PostgreSQL is the broker. */
final class MessageQueue
{
    private const MAX_ATTEMPTS = 30;

    /** @param array<string, mixed> $body */
    public static function send(Database $database, string $topic, array $body): void
    {
        $database->pdo->prepare('INSERT INTO oro_message_queue (topic, body) VALUES (?, ?)')
            ->execute([$topic, json_encode($body, JSON_THROW_ON_ERROR)]);
    }

    public static function length(Database $database): int
    {
        return (int) $database->pdo->query('SELECT count(*) FROM oro_message_queue')->fetchColumn();
    }

    /**
     * Hands the next due message to $handle and removes it; false if none is due.
     * The row stays locked meanwhile, so consumers never share one, and it comes back
     * by itself if this process dies.
     */
    public static function receive(Database $database, callable $handle): bool
    {
        $pdo = $database->pdo;
        $pdo->beginTransaction();
        $row = $pdo->query(
            'SELECT id, topic, body, attempts FROM oro_message_queue WHERE delayed_until <= now()
             ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED',
        )->fetch(\PDO::FETCH_ASSOC);
        if ($row === false) {
            $pdo->commit();

            return false;
        }
        try {
            $handle($row['topic'], json_decode($row['body'], true, flags: JSON_THROW_ON_ERROR));
            $done = true;
        } catch (Failure $failure) {
            $done = $row['attempts'] + 1 >= self::MAX_ATTEMPTS;
            fwrite(STDERR, sprintf(
                "message %d (%s) failed: %s; %s\n",
                $row['id'],
                $row['topic'],
                $failure->getMessage(),
                $done ? 'given up' : 'it is tried again in 10 s',
            ));
        }
        $pdo->prepare($done
            ? 'DELETE FROM oro_message_queue WHERE id = ?'
            : "UPDATE oro_message_queue SET attempts = attempts + 1, delayed_until = now() + interval '10 s' WHERE id = ?")
            ->execute([$row['id']]);
        $pdo->commit();

        return true;
    }
}
