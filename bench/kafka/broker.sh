#!/usr/bin/env bash
# Runs a command beside a real single-node Apache Kafka (KRaft) on 127.0.0.1 and stops it when the command ends:
#
#   bench/kafka/broker.sh COMMAND [ARG…]     # the command finds the address in DSQL_KAFKA; its exit code is the script's
#
# With KAFKA_SASL, lines of server.properties, there is a listener with logins too, at DSQL_KAFKA_SASL; KAFKA_JAVA are options of its JVM.
# Needs Java 17 or newer, and Maven the first time: 43 MB of jars go to KAFKA_LIB (default ~/.cache/dsql/kafka). Ports are free
# ones; the data lies in a new folder under TMPDIR. A watchdog ends the broker also when this script is killed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
lib=${KAFKA_LIB:-$HOME/.cache/dsql/kafka}
die() { echo "broker.sh: $*" >&2; exit 1; }
[ $# -gt 0 ] || die "which command?"
command -v java >/dev/null || die "java is missing: install a JRE 17 or newer"

if ! ls "$lib"/kafka_2.13-*.jar >/dev/null 2>&1; then
  command -v mvn >/dev/null || die "mvn is missing, which fetches the jars into $lib: install Maven"
  echo "broker.sh: fetching the jars into $lib" >&2
  mvn -q -B -f "$here/pom.xml" dependency:copy-dependencies -DoutputDirectory="$lib.$$" -DincludeScope=runtime >&2
  mkdir -p "$lib"; mv "$lib.$$"/*.jar "$lib"; rmdir "$lib.$$"
fi

dir=$(mktemp -d "${TMPDIR:-/tmp}/dsql-kafka-XXXXXX")
broker=
stop() {
  if [ -n "$broker" ] && kill "$broker" 2>/dev/null; then
    for _ in $(seq 100); do kill -0 "$broker" 2>/dev/null || break; sleep 0.1; done
    kill -9 "$broker" 2>/dev/null || true
  fi
  rm -rf "$dir"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

listen() { # a try: the ports are free when they are picked, and may be taken a moment later
  local port=$((20000 + RANDOM % 20000)) ctrl
  ctrl=$((port + 1))
  rm -rf "$dir/data"
  local listeners=PLAINTEXT://127.0.0.1:$port logins=
  if [ -n "${KAFKA_SASL:-}" ]; then listeners=$listeners,SASL://localhost:$((port + 2)); logins=,SASL:SASL_PLAINTEXT; fi
  cat >"$dir/server.properties" <<P
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$ctrl
listeners=$listeners,CONTROLLER://127.0.0.1:$ctrl
advertised.listeners=$listeners
inter.broker.listener.name=PLAINTEXT
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT$logins
${KAFKA_SASL:-}
log.dirs=$dir/data
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
log.cleaner.dedupe.buffer.size=2097152
log.cleaner.threads=1
num.network.threads=2
num.io.threads=4
P
  # Formatting takes a JVM of its own, and gives the same few files every time: they are kept beside the jars.
  local java="java -Xms512m -Xmx512m -XX:+UseSerialGC -XX:-UsePerfData -Djava.awt.headless=true -Djava.net.preferIPv4Stack=true -Dlog4j2.configurationFile=$dir/log4j2.yaml ${KAFKA_JAVA:-}"
  local formatted
  formatted=$lib/formatted-$(basename "$(ls "$lib"/kafka_2.13-*.jar | head -1)" .jar)
  if [ ! -d "$formatted" ]; then
    $java -cp "$lib/*" kafka.tools.StorageTool format -t AAAAAAAAAAAAAAAAAAAAAA -c "$dir/server.properties" >"$dir/kafka.log" 2>&1 || { cat "$dir/kafka.log" >&2; die "formatting failed"; }
    cp -r "$dir/data" "$formatted.$$"; mv -T "$formatted.$$" "$formatted" 2>/dev/null || rm -rf "$formatted.$$"
  fi
  rm -rf "$dir/data"; cp -r "$formatted" "$dir/data"
  setsid $java -cp "$lib/*" kafka.Kafka "$dir/server.properties" >"$dir/kafka.log" 2>&1 </dev/null &
  broker=$!
  # "Kafka Server started" comes when requests are served; a port that answers is too early.
  for _ in $(seq 600); do
    kill -0 "$broker" 2>/dev/null || return 1
    grep -q 'Kafka Server started' "$dir/kafka.log" && { export DSQL_KAFKA=127.0.0.1:$port DSQL_KAFKA_SASL=localhost:$((port + 2)); return 0; }
    sleep 0.1
  done
  die "not ready after 60 s: $(tail -5 "$dir/kafka.log")"
}

cat >"$dir/log4j2.yaml" <<P
Configuration:
  status: "off"
  Appenders:
    Console: {name: C, PatternLayout: {pattern: "%d{HH:mm:ss,SSS} %p %c{1}: %m%n"}}
  Loggers:
    Root: {level: WARN, AppenderRef: [{ref: C}]}
    Logger: [{name: kafka.server.KafkaRaftServer, level: INFO}]
P
listen || listen || listen || die "the broker ends at once: $(tail -30 "$dir/kafka.log")"
# The watchdog: an EXIT trap doesn't run at SIGKILL.
( trap '' INT TERM; while kill -0 $$ 2>/dev/null && kill -0 "$broker" 2>/dev/null; do sleep 1; done; kill -9 "$broker" 2>/dev/null; rm -rf "$dir" ) >/dev/null 2>&1 &
"$@"
