#!/bin/bash
# Starts PostgreSQL; makes the database first if the data directory holds none.
set -euo pipefail

PGDATA=${PGDATA:-/var/lib/postgresql/data}
export PGDATA

say() { echo "docker-entrypoint: $*" >&2; }

die() {
    say "$*"
    exit 1
}

# The value of $1, or the content of the file named by ${1}_FILE, or $2.
setting() {
    local file=${1}_FILE
    if [[ -n ${!file:-} ]]; then
        cat "${!file}"
    else
        printf '%s' "${!1:-$2}"
    fi
}

run_sql() {
    psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --host="$new" --username="$user" --dbname="$1" "${@:2}"
}

# Everything happens in a directory beside the final place, which is moved at the
# end with PG_VERSION last. A container that is killed on the way starts afresh or
# finishes the move; a half-made database is never taken for a whole one, and
# pg_isready sees no server before the real one.
initialise() {
    local user password database method script
    local -a options=(--encoding=UTF8 --locale=C.UTF-8 --auth-local=trust --auth-host=scram-sha-256)
    user=$(setting POSTGRES_USER postgres)
    password=$(setting POSTGRES_PASSWORD '')
    database=$(setting POSTGRES_DB "$user")
    method=${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}
    [[ -n $password || $method == trust ]] || die 'POSTGRES_PASSWORD is not set'

    rm -rf "$new"
    mkdir -m 0700 "$new"
    say "making database $database, user $user"
    # Nothing is lost if this is interrupted, so nothing need be synced before the end.
    options+=(--no-sync)
    [[ -z $password ]] || options+=(--pwfile=/dev/fd/3)
    # shellcheck disable=SC2086 # the arguments are a list by their definition
    initdb --pgdata="$new" --username="$user" "${options[@]}" ${POSTGRES_INITDB_ARGS:-} \
        >/dev/null 3< <(printf '%s\n' "$password")
    printf 'host all all all %s\n' "$method" >>"$new/pg_hba.conf"
    printf "listen_addresses = '*'\njit = off\n" >>"$new/postgresql.conf"

    pg_ctl --pgdata="$new" --wait --silent --options="-c listen_addresses='' -c unix_socket_directories='$new' -c fsync=off" start >&2
    if [[ $database != postgres ]]; then
        run_sql postgres --set=name="$database" <<<'CREATE DATABASE :"name";'
    fi
    for script in /docker-entrypoint-initdb.d/*; do
        case $script in
        *.sql) run_sql "$database" --file="$script" ;;
        *.sh) PGHOST=$new PGUSER=$user PGDATABASE=$database bash "$script" ;;
        esac
    done
    pg_ctl --pgdata="$new" --wait --silent --mode=fast stop >&2
    sync --file-system "$new"
    touch "$new/.complete"
}

move_into_place() {
    local entry
    find "$new" -mindepth 1 -maxdepth 1 ! -name PG_VERSION ! -name .complete -print0 |
        while IFS= read -r -d '' entry; do
            mv "$entry" "$PGDATA/"
        done
    mv "$new/PG_VERSION" "$PGDATA/"
    rm -rf "$new"
}

[[ ${1:-} != -* ]] || set -- postgres "$@"
[[ ${1:-} == postgres ]] || exec "$@"

if [[ $(id -u) -eq 0 ]]; then
    mkdir -p "$PGDATA" /var/run/postgresql
    chown -R postgres:postgres "$PGDATA" /var/run/postgresql
    exec setpriv --reuid=postgres --regid=postgres --init-groups --inh-caps=-all "$0" "$@"
fi

[[ -w /var/run/postgresql ]] || die '/var/run/postgresql is not writable: mount a volume there'
mkdir -p "$PGDATA" || die "cannot make $PGDATA as user $(id -u)"
chmod 0700 "$PGDATA" || die "$PGDATA belongs to another user: set PGDATA to a directory below the mount"
new=$PGDATA/.new
if [[ ! -e $PGDATA/PG_VERSION ]]; then
    [[ -e $new/.complete ]] || initialise
    move_into_place
    say 'database made'
fi
exec "$@"
