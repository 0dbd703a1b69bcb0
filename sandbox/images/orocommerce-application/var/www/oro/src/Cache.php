<?php

declare(strict_types=1);

namespace Standin;

/** What the application keeps in var/cache: facts that are costly to find out. */
final class Cache
{
    public static function warmUp(): void
    {
        $folder = Environment::cacheFolder();
        if (!is_dir($folder) && !@mkdir($folder, 0755, true) && !is_dir($folder)) {
            throw new Failure("cannot make $folder: " . (error_get_last()['message'] ?? 'unknown reason'));
        }
        $content = json_encode(['version' => Environment::version(), 'warmedAt' => gmdate('c')], JSON_THROW_ON_ERROR);
        if (@file_put_contents("$folder/application.json.new", $content) === false
            || !@rename("$folder/application.json.new", "$folder/application.json")) {
            throw new Failure("cannot write to $folder: " . (error_get_last()['message'] ?? 'unknown reason'));
        }
        echo "cache warmed up in var/cache/", basename($folder), "\n";
    }

    /** When the cache was warmed, or null. */
    public static function warmedAt(): ?string
    {
        $content = @file_get_contents(Environment::cacheFolder() . '/application.json');
        $facts = $content === false ? null : json_decode($content, true);

        return is_string($facts['warmedAt'] ?? null) ? $facts['warmedAt'] : null;
    }
}
