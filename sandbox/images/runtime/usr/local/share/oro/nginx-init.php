<?php

// Writes the nginx configuration of the web role from the ORO_* environment.

declare(strict_types=1);

$target = $argv[1] ?? '/opt/oro-nginx';

function env(string $name, string $default): string
{
    $value = getenv($name);

    return $value === false || $value === '' ? $default : $value;
}

function fail(string $reason): never
{
    fwrite(STDERR, "nginx-init: $reason\n");
    exit(1);
}

/** The given text, if it may stand in an nginx configuration as it is. */
function plain(string $name, string $text): string
{
    if (!preg_match('/^[A-Za-z0-9._:*-]+$/', $text)) {
        fail("$name: `$text` is not a host name, an address or a port");
    }

    return $text;
}

$domain = plain('ORO_APP_DOMAIN', env('ORO_APP_DOMAIN', 'oro.demo'));
$port = plain('ORO_UPSTREAM_PORT', env('ORO_UPSTREAM_PORT', env('ORO_GLOBAL_HTTP_PORT', '80')));
$fpmHost = plain('ORO_PHP_FPM_HOST', env('ORO_PHP_FPM_HOST', 'php-fpm-app'));
$fpmPort = plain('ORO_PHP_FPM_PORT', env('ORO_PHP_FPM_PORT', '9000'));

$backend = env('ORO_WEBSOCKET_BACKEND_DSN', 'tcp://ws:8080');
$parts = parse_url($backend);
if (!isset($parts['host'])) {
    fail("ORO_WEBSOCKET_BACKEND_DSN: `$backend` names no host; expected tcp://HOST:PORT");
}
$wsHost = plain('ORO_WEBSOCKET_BACKEND_DSN', $parts['host']);
$wsPort = (string) ($parts['port'] ?? 8080);

$main = <<<CONF
    worker_processes 2;
    worker_shutdown_timeout 10s;
    pid /tmp/nginx.pid;
    error_log stderr notice;

    events {
        worker_connections 1024;
    }

    http {
        include /etc/nginx/mime.types;
        default_type application/octet-stream;
        access_log /dev/stdout;
        server_tokens off;
        sendfile on;
        tcp_nopush on;
        keepalive_timeout 30s;
        client_max_body_size 64m;

        # The only place a read-only root file system leaves to write.
        client_body_temp_path /tmp/nginx-body;
        proxy_temp_path /tmp/nginx-proxy;
        fastcgi_temp_path /tmp/nginx-fastcgi;
        uwsgi_temp_path /tmp/nginx-uwsgi;
        scgi_temp_path /tmp/nginx-scgi;

        map \$http_upgrade \$connection_upgrade {
            default upgrade;
            '' close;
        }

        upstream php {
            server $fpmHost:$fpmPort;
        }

        upstream websocket {
            server $wsHost:$wsPort;
        }

        include $target/sites/*.conf;
    }

    CONF;

$site = <<<CONF
    server {
        listen $port default_server;
        server_name $domain;
        root /var/www/oro/public;

        location /ws {
            proxy_pass http://websocket;
            proxy_http_version 1.1;
            proxy_set_header Upgrade \$http_upgrade;
            proxy_set_header Connection \$connection_upgrade;
            proxy_set_header Host \$host;
            proxy_read_timeout 300s;
        }

        location /media/ {
            expires 1h;
            try_files \$uri =404;
        }

        location / {
            try_files \$uri /index.php\$is_args\$args;
        }

        location = /index.php {
            include /etc/nginx/fastcgi_params;
            fastcgi_pass php;
            fastcgi_param SCRIPT_FILENAME \$document_root/index.php;
            fastcgi_param HTTP_PROXY "";
            fastcgi_param ORO_WEB_HOSTNAME \$hostname;
            fastcgi_connect_timeout 5s;
        }

        location ~ \.php\$ {
            return 404;
        }
    }

    CONF;

/** Replaces the file in one step, so that a running nginx never reads half of it. */
function put(string $file, string $content): void
{
    $new = "$file.new";
    if (@file_put_contents($new, $content) === false || !@rename($new, $file)) {
        fail("cannot write $file: " . (error_get_last()['message'] ?? 'unknown reason'));
    }
    echo "nginx-init: wrote $file\n";
}

if (!is_dir("$target/sites") && !@mkdir("$target/sites", 0755, true)) {
    fail("cannot make $target/sites: " . (error_get_last()['message'] ?? 'unknown reason'));
}
foreach (glob("$target/sites/*.conf") ?: [] as $old) {
    if (basename($old) !== "$domain.conf") {
        unlink($old);
    }
}
put("$target/sites/$domain.conf", $site);
put("$target/names", "$fpmHost\n$wsHost\n");
put("$target/nginx.conf", $main);
echo "nginx-init: $domain on port $port, php-fpm at $fpmHost:$fpmPort, websocket at $wsHost:$wsPort\n";
