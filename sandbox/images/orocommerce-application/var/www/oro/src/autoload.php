<?php

declare(strict_types=1);

spl_autoload_register(static function (string $class): void {
    $file = __DIR__ . '/' . substr($class, strlen('Standin\\')) . '.php';
    if (str_starts_with($class, 'Standin\\') && is_file($file)) {
        require $file;
    }
});
