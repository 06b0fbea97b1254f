#!/usr/bin/env bash
# What Debezium's connector writes of a real PostgreSQL, into FOLDER (postgres/form.jsonl.gz); a database of its own on 127.0.0.1, which ends with
# the script:
#
#   bench/kafka/debezium.sh FOLDER      # FOLDER=testdata/debezium records it for the tests that run without Java and PostgreSQL
#
# Needs Java 17 or newer, Debian's postgresql (13 or newer), and Maven the first time: 38 MB of jars go to DEBEZIUM_LIB (default
# ~/.cache/dsql/debezium). Exit code 3: one of them is missing.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
lib=${DEBEZIUM_LIB:-$HOME/.cache/dsql/debezium}
missing() { echo "debezium.sh: skipped, there is no $1"; exit 3; }
[ $# -eq 1 ] || { echo "debezium.sh: into which folder?" >&2; exit 1; }
command -v java >/dev/null || missing java
bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1)
[ -x "$bin/postgres" ] || missing PostgreSQL
if ! ls "$lib"/debezium-connector-postgres-*.jar >/dev/null 2>&1; then
  command -v mvn >/dev/null || missing "mvn, which fetches the jars into $lib"
  echo "debezium.sh: fetching the jars into $lib" >&2
  mvn -q -B -f "$here/debezium/pom.xml" dependency:copy-dependencies -DoutputDirectory="$lib.$$" -DincludeScope=runtime >&2
  mkdir -p "$lib"; mv "$lib.$$"/*.jar "$lib"; rmdir "$lib.$$"
fi

dir=$(mktemp -d "${TMPDIR:-/tmp}/dsql-debezium-XXXXXX")
database= connector=
stop() {
  [ -z "$connector" ] || kill "$connector" 2>/dev/null || true
  [ -z "$database" ] || kill -INT "$database" 2>/dev/null || true
  [ -z "$database" ] || wait "$database" 2>/dev/null || true
  rm -rf "$dir"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

as=() # PostgreSQL doesn't run as root
if [ "$(id -u)" = 0 ]; then as=(setpriv --reuid=postgres --regid=postgres --clear-groups); chown postgres "$dir"; fi
"${as[@]}" "$bin/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 -N >"$dir/log" 2>&1 || { cat "$dir/log" >&2; exit 1; }
start() { # a try: the port is free when it is picked, and may be taken a moment later
  port=$((20000 + RANDOM % 20000))
  "${as[@]}" "$bin/postgres" -D "$dir/data" -p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c wal_level=logical \
    -c max_wal_senders=12 -c max_replication_slots=12 -c fsync=off -c timezone=UTC >>"$dir/log" 2>&1 &
  database=$!
  for _ in $(seq 300); do
    kill -0 "$database" 2>/dev/null || return 1
    "$bin/pg_isready" -q -h 127.0.0.1 -p $port && return
    sleep 0.1
  done
  return 1
}
start || start || start || { tail -5 "$dir/log" >&2; exit 1; }
# The watchdog: an EXIT trap doesn't run at SIGKILL. The connector ends without its database, or by its timeout.
( trap '' INT TERM; while kill -0 $$ 2>/dev/null && kill -0 "$database" 2>/dev/null; do sleep 1; done; kill -INT "$database" 2>/dev/null; sleep 1; rm -rf "$dir" ) >/dev/null 2>&1 &
psql() { "$bin/psql" -q -X -v ON_ERROR_STOP=1 -h 127.0.0.1 -p $port -U postgres "$@"; }
psql -d postgres -c 'CREATE DATABASE dsql'
psql -d dsql -f "$here/debezium/postgres.sql"
mkdir -p "$dir/out" "$1/postgres"
# A child in the background and wait: bash hears a signal at once, and not when the child ends.
timeout 300 java -Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "$lib/*" "$here/debezium/Connector.java" $port "$here/debezium/postgres-changes.sql" "$dir/out" \
  >"$dir/java.log" 2>&1 &
connector=$!
wait "$connector" || { tail -40 "$dir/java.log" >&2; exit 1; }
for f in "$dir/out"/*.jsonl; do gzip -9nc "$f" >"$1/postgres/$(basename "$f").gz"; done
wc -l "$dir/out"/*.jsonl | sed "s#$dir/out/##" >&2
