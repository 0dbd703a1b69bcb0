#!/bin/bash
# One image, several roles: the first argument chooses.
set -euo pipefail

APP=/var/www/oro
NGINX_DIR=/opt/oro-nginx

say() { echo "docker-entrypoint: $*" >&2; }

die() {
    say "$*"
    exit 1
}

need_code() {
    [[ -f $APP/bin/console ]] || die "$APP/bin/console does not exist: the code volume is empty"
}

# A container that was started as root does its work as www-data, as the roles
# of the real stack do; under a runAsUser there is nothing to change.
as_www_data=()
if [[ $(id -u) -eq 0 ]]; then
    as_www_data=(setpriv --reuid=www-data --regid=www-data --init-groups --inh-caps=-all)
fi

child=
stopping=
stop_signal=TERM

stop() {
    stopping=yes
    [[ -z $child ]] || kill -s "$stop_signal" "$child" 2>/dev/null || true
}

# Runs "$@" and passes the orchestrator's SIGTERM on as $stop_signal: nginx and
# php-fpm finish their requests on SIGQUIT only, and one image cannot state a
# stop signal per role. A stop that was asked for is no failure.
run_until_stopped() {
    local status
    "$@" &
    child=$!
    # The signal may have come before there was a child to pass it to.
    [[ -z $stopping ]] || stop
    # A trap ends `wait` early; the child may need longer.
    while :; do
        status=0
        wait "$child" || status=$?
        kill -0 "$child" 2>/dev/null || break
    done
    child=
    [[ -z $stopping ]] || status=0
    return "$status"
}

# Waits for $1 seconds or until a signal asks to stop.
doze() {
    [[ -z $stopping ]] || return 0
    sleep "$1" &
    child=$!
    wait "$child" || true
    child=
}

# The real consumer is renewed every 15 minutes inside a container that lives on;
# a failure is not reported to the orchestrator either.
run_consumer() {
    need_code
    trap stop TERM INT
    local status
    while [[ -z $stopping ]]; do
        status=0
        run_until_stopped "${as_www_data[@]}" php "$APP/bin/console" oro:message-queue:transport:consume \
            --time-limit=15minutes --memory-limit=1024 "$@" || status=$?
        [[ -n $stopping || $status -eq 0 ]] || {
            say "the consumer ended with code $status; it is started again in 5 seconds"
            doze 5
        }
    done
}

run_cron() {
    need_code
    trap stop TERM INT
    while [[ -z $stopping ]]; do
        run_until_stopped "${as_www_data[@]}" php "$APP/bin/console" oro:cron || say "this tick failed; the next one comes"
        doze $((60 - $(date +%-S)))
    done
}

# nginx resolves the names in its configuration once, at start, and refuses to
# start if one is missing. A Service that appears at the same time gets a moment.
wait_for_names() {
    local name deadline=$((SECONDS + ${ORO_NGINX_RESOLVE_SECONDS:-30}))
    while read -r name; do
        until getent hosts "$name" >/dev/null; do
            [[ -z $stopping ]] || exit 0
            if ((SECONDS >= deadline)); then
                say "the name $name does not resolve"
                break
            fi
            sleep 1
        done
    done <"$NGINX_DIR/names"
}

case ${1:-} in
'')
    die 'no role given: php-fpm, nginx, websocket, consumer, cron, console, install, nginx-init'
    ;;
--)
    shift
    [[ $# -gt 0 ]] || exit 0
    exec "$@"
    ;;
-*)
    exec bash "$@"
    ;;
console)
    shift
    need_code
    exec "${as_www_data[@]}" php "$APP/bin/console" "$@"
    ;;
install)
    shift
    need_code
    exec "${as_www_data[@]}" php "$APP/bin/console" oro:install "$@"
    ;;
restore)
    [[ -f /opt/oro-init/dump.sql ]] || die 'restore: this image holds no dump; use orocommerce-application-init'
    need_code
    exec "${as_www_data[@]}" php "$APP/bin/console" oro:restore --dump=/opt/oro-init/dump.sql
    ;;
nginx-init)
    # As the user it was started as: a fresh volume may belong to root alone.
    exec php /usr/local/share/oro/nginx-init.php "$NGINX_DIR"
    ;;
php-fpm)
    shift
    trap stop TERM INT
    stop_signal=QUIT
    run_until_stopped php-fpm8.2 --nodaemonize --fpm-config /usr/local/share/oro/php-fpm.conf "$@"
    ;;
nginx)
    shift
    [[ -f $NGINX_DIR/nginx.conf ]] || die "$NGINX_DIR/nginx.conf does not exist: nginx-init has not run on this volume"
    trap stop TERM INT
    wait_for_names
    directives='daemon off;'
    # Started as root, nginx itself binds the port and gives up its rights.
    [[ $(id -u) -ne 0 ]] || directives+=' user www-data;'
    stop_signal=QUIT
    run_until_stopped nginx -e stderr -c "$NGINX_DIR/nginx.conf" -g "$directives" "$@"
    ;;
websocket)
    shift
    need_code
    exec "${as_www_data[@]}" php "$APP/bin/console" gos:websocket:server "$@"
    ;;
consumer)
    shift
    run_consumer "$@"
    ;;
cron)
    run_cron
    ;;
*)
    exec "$@"
    ;;
esac
