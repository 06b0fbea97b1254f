# PostgreSQL, for debezium.sh.
user=postgres ending=INT
bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1)
there() { [ -x "$bin/postgres" ]; }
prepared() { "${as[@]}" "$bin/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 -N; }
server() {
  exec "${as[@]}" "$bin/postgres" -D "$dir/data" -p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c wal_level=logical \
    -c max_wal_senders=12 -c max_replication_slots=12 -c fsync=off -c timezone=UTC
}
ready() { "$bin/pg_isready" -q -h 127.0.0.1 -p $port; }
psql() { "$bin/psql" -q -X -v ON_ERROR_STOP=1 -h 127.0.0.1 -p $port -U postgres "$@"; }
client() { psql -d postgres -c 'CREATE DATABASE dsql' && psql -d dsql -f "$1"; }
