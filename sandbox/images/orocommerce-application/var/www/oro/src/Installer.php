<?php

declare(strict_types=1);

namespace Standin;

/** Brings an empty database to the installed state; repeated, it changes nothing. */
final class Installer
{
    private const RESOURCES = Environment::ROOT . '/resources';

    public function install(): void
    {
        $database = Database::connect();
        $database->alone(function () use ($database): void {
            $installed = $database->installedVersion();
            if ($installed !== null) {
                echo "version $installed is installed already: the database stays as it is\n";

                return;
            }
            $this->load($database, self::RESOURCES . '/schema.sql');
            echo "schema created\n";
            if (strtolower(Environment::get('ORO_SAMPLE_DATA', 'y'))[0] === 'y') {
                $this->load($database, self::RESOURCES . '/sample-data.sql');
                echo "sample data loaded\n";
            }
            $this->configure($database);
            MessageQueue::send($database, 'oro.user.welcome', ['to' => Environment::get('ORO_USER_EMAIL', 'admin@example.com')]);
        });
        Media::publish($database);
        Cache::warmUp();
        echo 'installed: ', Environment::applicationUrl(), "\n";
    }

    public function restore(string $dump): void
    {
        $database = Database::connect();
        $database->alone(function () use ($database, $dump): void {
            if ($database->hasAnyTable()) {
                echo "the database has tables: the dump is not loaded\n";
            } else {
                $this->load($database, $dump);
                echo "dump loaded\n";
            }
            $this->configure($database);
        });
        Media::publish($database);
        Cache::warmUp();
        echo 'restored: ', Environment::applicationUrl(), "\n";
    }

    private function load(Database $database, string $file): void
    {
        $sql = @file_get_contents($file);
        if ($sql === false) {
            throw new Failure("cannot read $file");
        }
        $database->pdo->exec($sql);
    }

    /** What depends on this deployment rather than on the version. */
    private function configure(Database $database): void
    {
        $database->setConfig('application.version', Environment::version());
        $database->setConfig('application.url', Environment::applicationUrl());
        $database->setConfig('organization.name', Environment::get('ORO_ORGANIZATION_NAME', 'Acme'));
        $database->setConfig('language', Environment::get('ORO_LANGUAGE', 'en'));
        $database->setConfig('formatting', Environment::get('ORO_FORMATTING_CODE', 'en_US'));
        $database->pdo->prepare(
            'INSERT INTO oro_user (username, email, first_name, last_name, password) VALUES (?, ?, ?, ?, ?)
             ON CONFLICT (username) DO UPDATE SET email = excluded.email',
        )->execute([
            Environment::get('ORO_USER_NAME', 'admin'),
            Environment::get('ORO_USER_EMAIL', 'admin@example.com'),
            Environment::get('ORO_USER_FIRSTNAME', 'John'),
            Environment::get('ORO_USER_LASTNAME', 'Doe'),
            password_hash(Environment::get('ORO_USER_PASSWORD', 'admin'), PASSWORD_BCRYPT),
        ]);
    }
}
