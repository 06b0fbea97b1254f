#!/bin/bash
# make page-test: the demo in a real browser (page.mjs). CHROMIUM names one; else chromium or chrome of the PATH. Pictures go to PICTURES.
# playwright-core and axe-core come from npm, into a folder that goes; nothing of them is in the repository.
set -eu
cd "$(dirname "$0")/../.."
CHROMIUM=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)}
if [ -z "$CHROMIUM" ] || ! command -v npm >/dev/null; then
  echo "page-test: no chromium or no npm here: nothing was looked at" >&2
  exit "${REQUIRE:+1}"
fi
export CHROMIUM
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$work"' EXIT
PICTURES=${PICTURES:-$work/pictures}
mkdir -p "$PICTURES"
(cd "$work" && npm install --silent --no-audit --no-fund --prefix . playwright-core@1.55 axe-core@4.10 >/dev/null)
go build -o "$work/dsql" ./cmd/dsql
(cd "$work" && ./dsql init demo -q && cd demo && ../dsql run pipeline.sql -q >/dev/null 2>&1 || true
  ../dsql report --db pipeline.duckdb --select late_risk --select planes --key N12996 -o ../report.html)
printf 'tailnum,op,year,manufacturer,model,seats,engines,air_minutes,updated_at\nNEW1,i,2013,BOEING,787,250,2,0,2013-07-16 00:00:00\n' >"$work/late.csv"
(cd "$work/demo" && exec ../dsql serve pipeline.sql --follow --listen 127.0.0.1:0 --log-format none 2>"$work/log" >/dev/null) &
server=$!
for _ in $(seq 300); do
  url=$(grep -o 'http://[^ ]*' "$work/log" | head -1 || true)
  if [ -n "$url" ] && curl -sf "$url/readyz" >/dev/null; then break; fi
  read -rt 0.1 <> <(:) || true
done
cd "$work"
node "$OLDPWD/page/test/page.mjs" "$url" "$work/report.html" "$PICTURES" "$work/late.csv" "$work/demo/in/planes/2013-07-16.csv"
