<?php

declare(strict_types=1);

namespace Standin;

/** One tick: what is due this minute goes to the queue, once for all cron pods. */
final class Cron
{
    public function tick(): void
    {
        $database = Database::connect();
        if ($database->installedVersion() === null) {
            throw new Failure('the application is not installed: nothing is scheduled');
        }
        $inserted = $database->pdo->prepare(
            "INSERT INTO oro_cron_run (minute, host) VALUES (date_trunc('minute', now()), ?) ON CONFLICT DO NOTHING",
        );
        $inserted->execute([gethostname()]);
        if ($inserted->rowCount() === 0) {
            echo "this minute is taken care of already\n";

            return;
        }
        MessageQueue::send($database, 'oro.cron.tick', ['minute' => gmdate('Y-m-d\TH:i\Z')]);
        $database->pdo->exec("DELETE FROM oro_cron_run WHERE minute < now() - interval '1 day'");
        echo 'tick ', gmdate('Y-m-d\TH:i\Z'), "\n";
    }
}
