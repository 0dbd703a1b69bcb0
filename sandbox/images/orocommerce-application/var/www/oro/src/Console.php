<?php

declare(strict_types=1);

namespace Standin;

/** The commands of bin/console. */
final class Console
{
    /** @param list<string> $arguments */
    public static function run(array $arguments): int
    {
        $command = 'list';
        $options = [];
        foreach ($arguments as $argument) {
            if (str_starts_with($argument, '-')) {
                [$name, $value] = explode('=', ltrim($argument, '-'), 2) + [1 => ''];
                $options[$name] = $value;
            } elseif ($command === 'list') {
                $command = $argument;
            }
        }
        try {
            match ($command) {
                'oro:install' => (new Installer())->install(),
                'oro:restore' => (new Installer())->restore($options['dump'] ?? ''),
                'cache:warmup' => Cache::warmUp(),
                'oro:message-queue:consume',
                'oro:message-queue:transport:consume' => (new Consumer($options))->run(),
                'oro:cron' => (new Cron())->tick(),
                'gos:websocket:server' => WebsocketServer::fromEnvironment()->run(),
                'about' => self::about(),
                'list' => self::listCommands(),
                default => throw new Failure("there is no command $command; `console list` names them"),
            };
        } catch (Failure $failure) {
            fwrite(STDERR, "$command: {$failure->getMessage()}\n");

            return 1;
        } catch (\PDOException $exception) {
            fwrite(STDERR, "$command: the database refused: {$exception->getMessage()}\n");

            return 1;
        }

        return 0;
    }

    private static function about(): void
    {
        echo 'version ', Environment::version(), ', PHP ', PHP_VERSION, ', environment ',
            Environment::get('ORO_ENV', 'prod'), "\n";
    }

    private static function listCommands(): void
    {
        echo "about\ncache:warmup\ngos:websocket:server\noro:cron\noro:install\n",
            "oro:message-queue:consume\noro:message-queue:transport:consume\noro:restore\n";
    }
}
