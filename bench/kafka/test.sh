#!/usr/bin/env bash
# make kafka-test: the tests of topics against a real Apache Kafka, or against the brokers that DSQL_KAFKA names. Without Java or Maven they are
# skipped, and so are those that need a Python (PYTHON, of make one of its own) with confluent-kafka and duckdb; it says so.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
if [ -z "${DSQL_KAFKA:-}" ]; then
  for tool in java mvn; do
    command -v "$tool" >/dev/null || { echo "kafka-test: skipped, there is no $tool"; exit 0; }
  done
  exec bench/kafka/broker.sh "bench/kafka/test.sh"
fi
# What Debezium's connectors write of their databases now, in place of what is stored in testdata/debezium.
written=$(mktemp -d "${TMPDIR:-/tmp}/dsql-debezium-XXXXXX")
trap 'rm -rf "$written"' EXIT
cp -r testdata/debezium/. "$written"
for database in postgres mariadb; do bench/kafka/debezium.sh "$written" $database || [ $? = 3 ]; done
export DSQL_DEBEZIUM=$written
${GO:-go} test -short -count=1 -run Kafka ./cmd/dsql
python=${PYTHON:-python3}
if "$python" -c 'import confluent_kafka, duckdb' 2>/dev/null; then
  "$python" bench/kafka/outside.py
  "$python" bench/kafka/kills.py --n 100000 --kills 8 --rate 6000
  if "$python" -c 'import confluent_kafka.schema_registry.avro, confluent_kafka.schema_registry.json_schema' 2>/dev/null; then
    "$python" bench/kafka/registered.py
  else
    echo "kafka-test: Confluent's deserialisers are skipped, $python has no confluent-kafka[avro,json,schemaregistry]"
  fi
else
  echo "kafka-test: librdkafka's records and the kills are skipped, $python has no confluent-kafka or no duckdb"
fi
