#!/bin/bash
# make page-test: the demo in a real browser (page.mjs). CHROMIUM names one; else chromium or chrome of the PATH. Pictures go to PICTURES; ONLY=sqlbox,life does these parts and views alone.
# playwright-core and axe-core come from npm, into a folder that goes; nothing of them is in the repository.
set -eu
cd "$(dirname "$0")/../.."
CHROMIUM=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)}
if [ -z "$CHROMIUM" ] || ! command -v npm >/dev/null; then
  echo "page-test: no chromium or no npm here: nothing was looked at" >&2
  [ -z "${REQUIRE:-}" ] && exit 0 || exit 1
fi
export CHROMIUM
work=$(mktemp -d)
servers=
trap '[ -z "$servers" ] || kill $servers 2>/dev/null; wait; rm -rf "$work"' EXIT
PICTURES=${PICTURES:-$work/pictures}
mkdir -p "$PICTURES"
(cd "$work" && npm install --silent --no-audit --no-fund --prefix . playwright-core@1.55 axe-core@4.10 >/dev/null)
go build -o "$work/dsql" ./cmd/dsql
(cd "$work" && ./dsql init demo -q && cd demo && ../dsql run pipeline.sql -q >/dev/null 2>&1 || true
  ../dsql report --db pipeline.duckdb --select late_risk --select planes --key N12996 -o ../report.html)
here=$PWD/page/test
(cd "$work/demo" && cp pipeline.duckdb more.duckdb && cp "$here/more.sql" . &&
  awk '/^leaf_value=/ { split(substr($0, 12), v, " "); line = "leaf_value="; for (i = 1; i in v; i++) line = line (i > 1 ? " " : "") v[i] * 0.5; print line; next } 1' \
    models/late.txt >models/late2.txt
  ../dsql run more.sql --db more.duckdb -q)
mkdir -p "$work/hostile/in"
cp "$here/hostile.sql" "$PWD/testdata/models/lgb_frame/model.txt" "$work/hostile" && mv "$work/hostile/model.txt" "$work/hostile/m.txt"
{ cat "$here/hostile.jsonl"; printf '\xff\xfe<script>hacked=1</script>\x1b[2J\n{"id": "'; head -c 10000000 /dev/zero | tr '\0' '<'; printf '"}\n'; } >"$work/hostile/in/1.jsonl"
printf 'tailnum,op,year,manufacturer,model,seats,engines,air_minutes,updated_at\nNEW1,i,2013,BOEING,787,250,2,0,2013-07-16 00:00:00\n' >"$work/late.csv"
# serve NAME FOLDER ARGS…: a server whose address is in the variable NAME
serve() {
  local name=$1 folder=$2 at=
  shift 2
  (cd "$work/$folder" && exec ../dsql serve "$@" --listen 127.0.0.1:0 --log-format none 2>"$work/log.$name" >/dev/null) &
  servers="$servers $!"
  for _ in $(seq 600); do
    at=$(grep -o 'http://[^ ]*' "$work/log.$name" | head -1 || true)
    if [ -n "$at" ] && curl -sf "$at/readyz" >/dev/null; then break; fi
    read -rt 0.1 <> <(:) || true
  done
  printf -v "$name" %s "$at"
}
serve url demo pipeline.sql --follow --allow-replay
serve more demo --db more.duckdb
serve bad hostile hostile.sql
cd "$work"
node "$OLDPWD/page/test/page.mjs" "$url" "$more" "$bad" "$work/report.html" "$PICTURES" "$work/late.csv" "$work/demo/in/planes/2013-07-16.csv"
