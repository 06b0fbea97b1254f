#!/usr/bin/env bash
# make kafka-kerberos: logins by Kerberos, from a real KDC (Debian: krb5-kdc, krb5-admin-server, krb5-user; faketime for a clock that is wrong)
# to a real Apache Kafka. Without them it is skipped, and says so. The KDC's data and tickets lie in a folder of its own; no file of the machine
# is touched.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
PATH=$PATH:/usr/sbin
for tool in krb5kdc kdb5_util kadmin.local kinit java mvn; do
  command -v "$tool" >/dev/null || { echo "kafka-kerberos: skipped, there is no $tool"; exit 0; }
done
realm=DSQL.TEST
dir=$(mktemp -d "${TMPDIR:-/tmp}/dsql-kerberos-XXXXXX")
kdcs=()
trap 'kill "${kdcs[@]}" $(cat "$dir"/*.pid) 2>/dev/null || true; rm -rf "$dir"' EXIT # faketime has the KDC as a child
trap 'exit 130' INT
trap 'exit 143' TERM
port=$((10000 + RANDOM % 10000))
conf() { # NAME PORT: a krb5.conf whose realm is served there
  cat >"$dir/$1.conf" <<P
[libdefaults]
  default_realm = $realm
  dns_lookup_kdc = false
  dns_lookup_realm = false
  rdns = false
[realms]
  $realm = {
    kdc = 127.0.0.1:$2
  }
P
}
kdc() { # NAME PORT [COMMAND…]: a KDC on that port
  cat >"$dir/$1.kdc" <<P
[kdcdefaults]
  kdc_ports = $2
  kdc_tcp_ports = $2
[realms]
  $realm = {
    database_name = $dir/principals
    key_stash_file = $dir/stash
    acl_file = $dir/acl
  }
P
  conf "$1" "$2"
  KRB5_CONFIG=$dir/$1.conf KRB5_KDC_PROFILE=$dir/$1.kdc "${@:3}" krb5kdc -n -P "$dir/$1.pid" >"$dir/$1.log" 2>&1 &
  kdcs+=($!)
}
kdc right "$port" true # its files
kdcs=()
export KRB5_CONFIG=$dir/right.conf KRB5_KDC_PROFILE=$dir/right.kdc
kdb5_util create -s -P secret -r $realm >/dev/null
admin() { kadmin.local -r $realm -q "$*" >>"$dir/admin.log" 2>&1; }
admin addprinc -randkey kafka/localhost; admin ktadd -k "$dir/kafka.keytab" kafka/localhost
admin addprinc -pw secret reader; admin ktadd -norandkey -k "$dir/reader.keytab" reader
admin addprinc -pw other stale; admin ktadd -k "$dir/stale.keytab" stale; admin cpw -pw other stale
kdc right "$port"
skewed=
if command -v faketime >/dev/null; then
  kdc skewed $((port + 1)) faketime -f +1h; skewed=$dir/skewed.conf
else
  echo "kafka-kerberos: the clock that is wrong is skipped, there is no faketime"
fi
conf away $((port + 2))
for _ in $(seq 50); do echo secret | kinit -c "$dir/tickets" reader >/dev/null 2>&1 && break; sleep 0.1; done
echo secret | kinit -c "$dir/expired" -l 1s reader >/dev/null
export DSQL_KERBEROS=$dir DSQL_KERBEROS_SKEWED=$skewed
export KAFKA_JAVA="-Djava.security.krb5.conf=$dir/right.conf"
export KAFKA_SASL="sasl.enabled.mechanisms=GSSAPI
sasl.kerberos.service.name=kafka
listener.name.sasl.gssapi.sasl.jaas.config=com.sun.security.auth.module.Krb5LoginModule required useKeyTab=true storeKey=true keyTab=\"$dir/kafka.keytab\" principal=\"kafka/localhost@$realm\";"
bench/kafka/broker.sh "${GO:-go}" test -short -count=1 -v -run 'TestKafkaKerberos' ./cmd/dsql
