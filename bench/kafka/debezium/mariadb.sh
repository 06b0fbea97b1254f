# MariaDB, for debezium.sh. Without a strict sql_mode it takes the dates 0000-00-00 that old databases have.
user=mysql ending=TERM
there() { command -v mariadbd mariadb mariadb-install-db >/dev/null; }
prepared() { "${as[@]}" mariadb-install-db --no-defaults --datadir="$dir/data" --auth-root-authentication-method=normal --skip-test-db; }
server() {
  exec "${as[@]}" mariadbd --no-defaults --datadir="$dir/data" --port=$port --bind-address=127.0.0.1 --socket="$dir/socket" --pid-file="$dir/pid" \
    --server-id=1 --log-bin=log --binlog-format=ROW --character-set-server=utf8mb4 --default-time-zone=+00:00 --sql-mode= --innodb-flush-log-at-trx-commit=0
}
mysql() { mariadb --no-defaults --protocol=tcp -h 127.0.0.1 -P $port -u root --default-character-set=utf8mb4 "$@"; }
ready() { mysql -e 'SELECT 1'; }
client() { mysql -e 'CREATE DATABASE dsql' && mysql dsql <"$1"; }
