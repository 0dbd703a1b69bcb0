<?php

declare(strict_types=1);

namespace Standin;

/** Takes messages off the queue until told to stop or until its time is over. */
final class Consumer
{
    private const IDLE_MICROSECONDS = 1_000_000;

    private bool $stopping = false;
    private readonly int $deadline;

    /** @param array<string, string> $options */
    public function __construct(array $options)
    {
        $limit = strtotime('+' . ($options['time-limit'] ?? '15 minutes'));
        if ($limit === false) {
            throw new Failure("--time-limit={$options['time-limit']} is not a duration such as 15minutes");
        }
        $this->deadline = $limit;
    }

    public function run(): void
    {
        pcntl_async_signals(true);
        foreach ([SIGTERM, SIGINT] as $signal) {
            pcntl_signal($signal, function (): void {
                $this->stopping = true;
            });
        }
        $database = Database::connect();
        if ($database->installedVersion() === null) {
            throw new Failure('the application is not installed: there is no queue to consume');
        }
        echo 'consuming oro.default as ', gethostname(), "\n";
        while (!$this->stopping && time() < $this->deadline) {
            if (!MessageQueue::receive($database, $this->handle(...))) {
                // A signal ends the sleep early.
                usleep(self::IDLE_MICROSECONDS);
            }
        }
        echo $this->stopping ? "stopped on request\n" : "time limit reached\n";
    }

    /** @param array<string, mixed> $body */
    private function handle(string $topic, array $body): void
    {
        match ($topic) {
            'oro.user.welcome' => Mailer::fromEnvironment()->send(
                (string) $body['to'],
                'Welcome to ' . Environment::get('ORO_APP_DOMAIN', 'oro.demo'),
                'The storefront is installed: ' . Environment::applicationUrl(),
            ),
            'oro.cron.tick' => null,
            default => throw new Failure('no processor knows this topic'),
        };
        echo "processed $topic ", json_encode($body), "\n";
    }
}
