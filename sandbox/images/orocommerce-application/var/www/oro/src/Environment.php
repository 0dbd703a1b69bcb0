<?php

declare(strict_types=1);

namespace Standin;

/** The ORO_* variables, with the defaults of the demo stack. */
final class Environment
{
    public const ROOT = __DIR__ . '/..';

    public static function get(string $name, string $default): string
    {
        $value = getenv($name);

        return $value === false || $value === '' ? $default : $value;
    }

    public static function version(): string
    {
        return trim((string) @file_get_contents(self::ROOT . '/VERSION'));
    }

    public static function cacheFolder(): string
    {
        return self::ROOT . '/var/cache/' . self::get('ORO_ENV', 'prod');
    }

    public static function maintenanceFile(): string
    {
        return self::get('ORO_MAINTENANCE_LOCK_FOLDER', self::ROOT . '/var/maintenance') . '/maintenance_lock';
    }

    public static function applicationUrl(): string
    {
        return self::get(
            'ORO_APP_URL',
            self::get('ORO_APP_PROTOCOL', 'http') . '://' . self::get('ORO_APP_DOMAIN', 'oro.demo') . '/',
        );
    }

    /**
     * ORO_DB_DSN taken apart, or the same made of ORO_DB_HOST and its siblings.
     *
     * @return array{host: string, port: int, name: string, user: string, password: string, sslmode: string}
     */
    public static function database(): array
    {
        $dsn = getenv('ORO_DB_DSN');
        if ($dsn === false || $dsn === '') {
            return [
                'host' => self::get('ORO_DB_HOST', 'db'),
                'port' => (int) self::get('ORO_DB_PORT', '5432'),
                'name' => self::get('ORO_DB_NAME', 'orodb'),
                'user' => self::get('ORO_DB_USER', 'orodbuser'),
                'password' => self::get('ORO_DB_PASSWORD', ''),
                'sslmode' => 'prefer',
            ];
        }
        $parts = parse_url($dsn);
        $scheme = $parts['scheme'] ?? '';
        if ($parts === false || !in_array($scheme, ['postgres', 'postgresql', 'pgsql'], true)
            || !isset($parts['host'], $parts['path'])) {
            throw new Failure('ORO_DB_DSN is not of the form postgres://USER:PASSWORD@HOST:PORT/NAME?sslmode=disable'
                . ' (special characters in the password must be percent-encoded)');
        }
        parse_str($parts['query'] ?? '', $query);

        return [
            'host' => $parts['host'],
            'port' => $parts['port'] ?? 5432,
            'name' => rawurldecode(ltrim($parts['path'], '/')),
            'user' => rawurldecode($parts['user'] ?? ''),
            'password' => rawurldecode($parts['pass'] ?? ''),
            'sslmode' => is_string($query['sslmode'] ?? null) ? $query['sslmode'] : 'prefer',
        ];
    }
}
