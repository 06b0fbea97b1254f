#!/usr/bin/env bash
# What Debezium's connector writes of a real database, into FOLDER/DATABASE (form.jsonl.gz); a server of its own on 127.0.0.1, which ends with
# the script:
#
#   bench/kafka/debezium.sh FOLDER postgres     # or mariadb. FOLDER=testdata/debezium records it for the tests that run without Java and servers
#
# Needs Java 17 or newer, Debian's postgresql (13 or newer) or mariadb-server (10.11 or newer), and Maven the first time: the jars go to
# folders in DEBEZIUM_LIB (default ~/.cache/dsql/debezium). Exit code 3: one of them is missing.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/debezium" && pwd)
lib=${DEBEZIUM_LIB:-$HOME/.cache/dsql/debezium}/${2:-}
missing() { echo "debezium.sh: skipped, there is no $1"; exit 3; }
[ $# -eq 2 ] && [ -f "$here/$2.sh" ] || { echo "debezium.sh: into which folder, and of postgres or mariadb?" >&2; exit 1; }
. "$here/$2.sh" # there, prepared, server, ready, client: of this database
command -v java >/dev/null || missing java
there || missing "$2"
if ! ls "$lib/debezium-connector-$2"-*.jar >/dev/null 2>&1; then
  command -v mvn >/dev/null || missing "mvn, which fetches the jars into $lib"
  echo "debezium.sh: fetching the jars into $lib" >&2
  mvn -q -B -f "$here/pom-$2.xml" dependency:copy-dependencies -DoutputDirectory="$lib.$$" -DincludeScope=runtime >&2
  mkdir -p "$lib"; mv "$lib.$$"/*.jar "$lib"; rmdir "$lib.$$"
fi

dir=$(mktemp -d "${TMPDIR:-/tmp}/dsql-debezium-XXXXXX")
database= connector=
stop() {
  [ -z "$connector" ] || kill "$connector" 2>/dev/null || true
  [ -z "$database" ] || kill -$ending "$database" 2>/dev/null || true
  [ -z "$database" ] || wait "$database" 2>/dev/null || true
  rm -rf "$dir"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

as=() # a database doesn't run as root
if [ "$(id -u)" = 0 ]; then as=(setpriv --reuid=$user --regid=$user --clear-groups); chown $user "$dir"; fi
prepared >"$dir/log" 2>&1 || { cat "$dir/log" >&2; exit 1; }
start() { # a try: the port is free when it is picked, and may be taken a moment later
  port=$((20000 + RANDOM % 20000))
  server >>"$dir/log" 2>&1 &
  database=$!
  for _ in $(seq 300); do
    kill -0 "$database" 2>/dev/null || return 1
    ready >/dev/null 2>&1 && return
    sleep 0.1
  done
  return 1
}
start || start || start || { tail -5 "$dir/log" >&2; exit 1; }
# The watchdog: an EXIT trap doesn't run at SIGKILL. The connector ends without its database, or by its timeout.
( trap '' INT TERM; while kill -0 $$ 2>/dev/null && kill -0 "$database" 2>/dev/null; do sleep 1; done; kill -$ending "$database" 2>/dev/null; sleep 1; rm -rf "$dir" ) >/dev/null 2>&1 &
client "$here/$2.sql"
mkdir -p "$dir/out" "$1/$2"
# A child in the background and wait: bash hears a signal at once, and not when the child ends.
timeout 300 java -Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "$lib/*" "$here/Connector.java" $2 $port "$here/$2-changes.sql" "$dir/out" \
  >"$dir/java.log" 2>&1 &
connector=$!
wait "$connector" || { tail -40 "$dir/java.log" >&2; exit 1; }
for f in "$dir/out"/*.jsonl; do gzip -9nc "$f" >"$1/$2/$(basename "$f").gz"; done
wc -l "$dir/out"/*.jsonl | sed "s#$dir/out/##" >&2
