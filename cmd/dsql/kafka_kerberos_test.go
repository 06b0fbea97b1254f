package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Logins by Kerberos, with what `make kafka-kerberos` has made: a KDC, its keytabs and tickets, and a Kafka that knows it.
func TestKafkaKerberos(t *testing.T) {
	dir, brokers := os.Getenv("DSQL_KERBEROS"), os.Getenv("DSQL_KAFKA_SASL")
	if dir == "" {
		t.Skip("make kafka-kerberos")
	}
	k := newKafka(t, 1, false)
	k.put(`{"id":1}`)
	at := func(name string) string { return filepath.Join(dir, name) }
	keytab := "sasl_kerberos_principal 'reader', sasl_kerberos_keytab '" + at("reader.keytab") + "'"
	conf := func(name string) string { return ", sasl_kerberos_config '" + at(name) + "'" }
	for _, x := range []struct {
		name, login, want string
		code              int
	}{
		{"keytab", keytab, "", 0},
		{"realm", "sasl_kerberos_principal 'reader@DSQL.TEST', sasl_password 'secret', sasl_kerberos_service_name 'kafka'", "", 0},
		{"tickets", "sasl_kerberos_ccache '" + at("tickets") + "'", "", 0},
		{"password", "sasl_kerberos_principal 'reader', sasl_password 'wrong'", "Kerberos refuses the login of reader: its password or keys are others", 4},
		{"stale", "sasl_kerberos_principal 'stale', sasl_kerberos_keytab '" + at("stale.keytab") + "'", "its password or keys are others", 4},
		{"lacking", "sasl_kerberos_principal 'stale', sasl_kerberos_keytab '" + at("reader.keytab") + "'", "its password or keys are others", 4},
		{"nobody", "sasl_kerberos_principal 'nobody', sasl_password 'x'", "Kerberos knows no principal nobody", 4},
		{"elsewhere", "sasl_kerberos_principal 'reader@ELSE.WHERE', sasl_password 'x'", "no server is known for the realm of reader@ELSE.WHERE", 4},
		{"service", keytab + ", sasl_kerberos_service_name 'kavka'", "Kerberos knows no service kavka/localhost", 4},
		{"none", "sasl_kerberos_ccache '" + at("none") + "'", "can't be read: open ", 4},
		{"expired", "sasl_kerberos_ccache '" + at("expired") + "'", "the tickets are no longer good", 4},
		{"away", keytab + conf("away.conf"), "Kerberos' server can't be reached", 4},
		{"config", keytab + conf("none.conf"), "can't be read: ", 4},
		{"skewed", keytab + conf("skewed.conf"), "this machine's clock and that of Kerberos' server differ by too much", 4},
	} {
		t.Run(x.name, func(t *testing.T) {
			if x.name == "skewed" && os.Getenv("DSQL_KERBEROS_SKEWED") == "" {
				t.Skip("without faketime")
			}
			k.t = t
			k.args = []string{"--db", x.name + ".duckdb"}
			k.script("CREATE CONNECTION c TO KAFKA (brokers '" + brokers + "', sasl_mechanism 'GSSAPI', " + x.login + ");\n" +
				"CREATE SOURCE s (id BIGINT) FROM KAFKA (connection c, topic '{topic}');\nCREATE STREAM d FROM s;")
			if code := k.run(); code != x.code || !strings.Contains(k.lastErrOutput, x.want) {
				t.Fatalf("exit code %d, want %d and %q\n%s", code, x.code, x.want, k.lastErrOutput)
			}
			if x.code == 0 {
				k.is("SELECT id FROM d", "1")
			}
		})
	}
}

// Options of Kerberos that don't go together are found before anything runs.
func TestKerberosOptions(t *testing.T) {
	t.Parallel()
	for options, want := range map[string]string{
		"sasl_kerberos_keytab 'k'":                                                                          "sasl_kerberos_keytab needs sasl_mechanism 'GSSAPI'",
		"sasl_mechanism 'GSSAPI', sasl_username 'u', sasl_password 'p'":                                     "GSSAPI logs in as a principal, not as a sasl_username",
		"sasl_mechanism 'GSSAPI', sasl_kerberos_keytab 'k'":                                                 "GSSAPI needs a principal to log in as",
		"sasl_mechanism 'GSSAPI', sasl_password 'p'":                                                        "GSSAPI needs a principal to log in as",
		"sasl_mechanism 'GSSAPI', sasl_kerberos_principal 'u'":                                              "sasl_kerberos_principal needs a keytab or a password",
		"sasl_mechanism 'GSSAPI', sasl_kerberos_principal 'u', sasl_kerberos_ccache 'c'":                    "the tickets of sasl_kerberos_ccache are one",
		"sasl_mechanism 'gssapi', sasl_kerberos_principal 'u', sasl_kerberos_keytab 'k', sasl_password 'p'": "sasl_password and sasl_kerberos_keytab exclude",
		"sasl_mechanism 'GSSAPI'":                                                                           "",
		"sasl_mechanism env('M'), sasl_kerberos_principal 'u', sasl_kerberos_keytab 'k'":                    "",
	} {
		dir := t.TempDir()
		put(t, filepath.Join(dir, "s.sql"), "CREATE CONNECTION c TO KAFKA (brokers 'b:9092', "+options+");")
		c := asCommand(t, dir, "check", "s.sql")
		out, err := c.CombinedOutput()
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(string(out), "error: "+want)) {
			t.Errorf("%s: %v\n%s\nwant %s", options, err, out, want)
		}
	}
}
