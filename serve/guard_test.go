package serve_test

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dsql/internal/testcases"
	"dsql/serve"
)

// What strangers may ask by SQL, and what not: a table of statements with the beginning of what they are told.
func TestStrangers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "f.csv"), flightRows)
	put(t, filepath.Join(dir, "late.txt"), testcases.Stump(15, -1, 1))
	r := start(t, dir, flights+`; CREATE MODEL late FROM 'late.txt';
		CREATE MACRO twice(x) AS x * 2; CREATE MACRO load(p) AS TABLE FROM read_csv(p); CREATE MACRO any_table(t) AS TABLE FROM query_table(t);
		CREATE VIEW newest AS FROM flights ORDER BY day DESC LIMIT 1; CREATE SEQUENCE ids`,
		func(o *serve.Options) { o.Limits.Time = 3 * time.Second }).ready()
	ask := func(text string) (int, string) {
		t.Helper()
		status, body, _ := r.post("/v1/query", string(mustJSON(t, map[string]string{"sql": text})))
		return status, body
	}
	for _, text := range []string{
		"SELECT 1", "FROM flights", "SELECT count(*) FROM flights; ", "-- a remark\nSELECT 1 -- another", "VALUES (1), (2)",
		"EXPLAIN SELECT * FROM flights",
		"WITH x AS (SELECT 1 AS a) SELECT a FROM x", "SELECT late(delay, 1.0) FROM flights", "SELECT twice(2)", "FROM newest",
		"FROM flights_at(1)",
		"SELECT id, sum(delay) OVER (PARTITION BY id ORDER BY day) FROM flights",
		"SELECT [x * 2 FOR x IN [1, 2] IF x > 1], {'a': 1}.a, map {'k': 1}['k']",
		"SELECT * FROM range(3) t(i), unnest([1, 2]) u(x)",
		"SELECT CASE WHEN true THEN date_trunc('day', now()) END, current_date, '2025-01-01'::DATE + INTERVAL 1 DAY",
		"FROM dsql.versions", "SELECT count(*) FROM information_schema.tables",
		"SELECT id FROM flights WHERE id LIKE 'A%' OR id SIMILAR TO 'B.*' OR id IN ('C')",
		"SELECT list_transform([1], lambda x: x + 1)", "SELECT * EXCLUDE (id) FROM flights", "SELECT 'read_csv(''/etc/passwd'')'",
		"SELECT substring('abc', 2), a.b FROM (SELECT {b: 1} AS a)",
	} {
		if status, body := ask(text); status != 200 {
			t.Errorf("%s: %d %s", text, status, body)
		}
	}
	for _, text := range []string{
		// a file, in twenty spellings
		"SELECT * FROM read_csv('/etc/passwd')", "FROM read_csv_auto('/etc/passwd')", "FROM READ_CSV('/etc/passwd')",
		`FROM "read_csv"('/etc/passwd')`,
		"FROM system.main.read_csv('/etc/passwd')", "FROM main.read_csv('/etc/passwd')", "FROM '/etc/passwd'", "FROM '/etc/passwd.csv'",
		`FROM "/tmp/x.csv"`, "FROM 'x.parquet'",
		"SELECT * FROM read_text('/etc/passwd')", "SELECT content FROM read_blob('/etc/*')", "FROM glob('/etc/*')",
		"FROM sniff_csv('/etc/passwd')",
		"FROM read_json('/etc/passwd')", "FROM read_ndjson_objects('/etc/passwd')", "FROM parquet_scan('x')", "FROM parquet_metadata('x')",
		"WITH a AS (FROM read_csv('/etc/passwd')) FROM a", "SELECT (SELECT max(column0) FROM read_csv('/etc/passwd'))",
		"FROM flights WHERE id IN (FROM read_csv('/etc/passwd'))",
		"FROM load('/etc/passwd')", "SELECT * FROM flights UNION ALL SELECT * FROM read_csv('/etc/passwd')",
		"SELECT * FROM query('FROM read_csv(''/etc/passwd'')')",
		"FROM query_table('/etc/passwd.csv')", "FROM any_table('/etc/passwd.csv')",
		`SELECT * FROM (WITH "/etc/passwd.csv" AS (SELECT 1) SELECT 1), "/etc/passwd.csv"`,
		"SELECT * FROM flights, LATERAL (FROM read_csv(id))", "FROM (DESCRIBE FROM read_csv('/etc/passwd'))",
		"FROM (SUMMARIZE FROM read_text('/etc/passwd'))",
		"PIVOT read_csv('/etc/passwd') ON column0", "EXPLAIN SELECT * FROM read_csv('/etc/passwd')", "EXPLAIN ANALYZE SELECT 1",
		"/* */ SELECT /* */ * FROM /**/ read_csv /**/ ('/etc/passwd')",
		// other statements
		"COPY flights TO '/tmp/x.csv'", "COPY (SELECT 1) TO '/tmp/x.csv'", "EXPORT DATABASE '/tmp/x'", "ATTACH '/tmp/x.duckdb'",
		"ATTACH ':memory:' AS m", "SET memory_limit = '1MB'", "SET search_path = 'dsql'",
		"RESET threads", "PRAGMA database_size", "CALL enable_logging()", "INSTALL httpfs", "LOAD httpfs", "CREATE TABLE x (a INTEGER)",
		"CREATE TEMP TABLE x AS SELECT 1", "DROP TABLE flights",
		"INSERT INTO flights VALUES (1)", "DELETE FROM flights", "UPDATE flights SET id = 1", "CHECKPOINT", "FROM checkpoint()", "VACUUM",
		"BEGIN", "COMMIT", "ROLLBACK", "PREPARE p AS SELECT 1",
		"EXECUTE p", "SELECT 1; SELECT 2", "SELECT 1;;SELECT 2", "USE memory", "DETACH s", "CREATE STREAM x FROM flights", "REFRESH", "", ";",
		"SHOW TABLES", "IMPORT DATABASE 'x'", "CREATE SECRET s (TYPE s3)",
		"SET VARIABLE a = 1", "EXPLAIN INSERT INTO flights VALUES (1)", "EXPLAIN COPY flights TO 'x'",
		// functions with effects, or that tell of the machine
		"SELECT nextval('ids')", "SELECT current_setting('memory_limit')", "SELECT getenv('HOME')", "FROM duckdb_secrets()",
		"FROM duckdb_settings()", "FROM duckdb_logs()", "SELECT write_log('x')",
		"SELECT json_execute_serialized_sql(json_serialize_sql('SELECT 1'))", "FROM json_execute_serialized_sql('x')", "SELECT sleep_ms(10)",
		"SELECT getvariable('x')", "FROM dsql_batch(1)", "FROM pragma_database_size()",
		"SELECT setseed(0.5)", "FROM force_checkpoint()", "SELECT pg_sleep(1)", "FROM histogram('flights', id)", "FROM test_all_types()",
		"SELECT nope(1)", "FROM nope", "SELECT FROM", "SELECT (", "SELECT 'x",
	} {
		if status, body := ask(text); status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d %.300s", text, status, body)
		}
	}
	for _, text := range []string{"WITH RECURSIVE r AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM r) SELECT count(*) FROM r",
		"SELECT count(*) FROM range(100000000) a, range(100000000) b"} {
		if status, body := ask(text); status != http.StatusGatewayTimeout {
			t.Errorf("%s: %d %.300s", text, status, body)
		}
	}
	if _, err := os.Stat("/tmp/x.csv"); err == nil {
		t.Error("a file was written")
	}
	r.want(200, `{"columns":[{"name":"n","type":"BIGINT"}],"rows":[{"n":4}],"version":1,"truncated":false}`, "POST", "/v1/query",
		`{"sql":"SELECT count(*) AS n FROM flights"}`)
	r.want(200, `{"columns":[{"name":"i","type":"BIGINT"}],"rows":[{"i":0},{"i":1}],"version":1,"truncated":true}`, "POST", "/v1/query",
		`{"sql":"FROM range(5) t(i)","limit":2}`)
	r.want(200, "id,delay\nC,30.0", "POST", "/v1/query",
		`{"sql":"SELECT id, delay FROM flights WHERE id = $id AND delay > $x","params":{"id":"C","x":1.5}}`, "Accept", "text/csv")
	r.want(422, `{"type":"about:blank","title":"Unprocessable Entity","status":422,`+
		`"detail":"the table function read_csv isn't for requests","code":"refused-sql","hint":"read tables that are there; `+
		`an endpoint may call it","file":"query","line":2,"column":6}`,
		"POST", "/v1/query", `{"sql":"SELECT 1\nFROM read_csv('x')"}`)
	for _, send := range []string{`{`, `[]`, `{"sql":1}`, `{"sq":"SELECT 1"}`, `{"sql":"SELECT 1","limit":-1}`,
		`{"sql":"SELECT 1","limit":1e9}`, `{"sql":"SELECT $a","params":{"b":1}}`, `{"sql":"SELECT $a","params":{"a":[1]}}`} {
		if status, body, _ := r.post("/v1/query", send); status != 400 {
			t.Errorf("%s: %d %s", send, status, body)
		}
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "tokens")
	secrets := map[string]string{}
	text := "# a remark\n\n"
	for name, scopes := range map[string][]string{"all": {"all"}, "ask": {"query"}, "one": {"endpoints:counted", "status"},
		"admin": {"admin"}} {
		secret, line, err := serve.NewToken(name, scopes)
		if err != nil {
			t.Fatal(err)
		}
		secrets[name] = secret
		text += line + "\n"
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	tokens, err := serve.ReadTokens(file, "env-secret")
	if err != nil {
		t.Fatal(err)
	}
	secrets["env"], secrets["wrong"] = "env-secret", "dsql_nobody"
	r := serveFlights(t, func(o *serve.Options) { o.Tokens = tokens })
	for _, c := range []struct {
		who, method, path, send string
		status                  int
	}{
		{"", "GET", "/healthz", "", 200}, {"", "GET", "/readyz", "", 200}, {"", "GET", "/v1/status", "", 401},
		{"", "GET", "/v1/endpoints/counted", "", 401},
		{"", "POST", "/v1/query", `{"sql":"SELECT 1"}`, 401}, {"", "GET", "/v1/endpoints/nope", "", 401},
		{"wrong", "GET", "/v1/endpoints/counted", "", 401},
		{"all", "GET", "/v1/endpoints/counted", "", 200}, {"all", "POST", "/v1/query", `{"sql":"SELECT 1"}`, 200},
		{"all", "POST", "/v1/exec", `{"sql":"SELECT 1"}`, 403},
		{"ask", "GET", "/v1/endpoints/counted", "", 403}, {"ask", "POST", "/v1/query", `{"sql":"SELECT 1"}`, 200},
		{"ask", "GET", "/v1/status", "", 200},
		{"one", "GET", "/v1/endpoints/counted", "", 200}, {"one", "GET", "/v1/endpoints/COUNTED", "", 200},
		{"one", "GET", "/v1/endpoints/delays?id=A", "", 403},
		{"one", "POST", "/v1/query", `{"sql":"SELECT 1"}`, 403}, {"admin", "POST", "/v1/exec", `{"sql":"SELECT 1"}`, 200},
		{"admin", "GET", "/v1/endpoints/counted", "", 403},
		{"env", "GET", "/v1/endpoints/counted", "", 200},
	} {
		header := []string{"Content-Type", "application/json"}
		if c.who != "" {
			header = append(header, "Authorization", "Bearer "+secrets[c.who])
		}
		if status, body, _ := r.do(c.method, c.path, c.send, header...); status != c.status {
			t.Errorf("%s %s %s: %d %s, want %d", c.who, c.method, c.path, status, body, c.status)
		}
	}
	began := time.Now()
	for range 6 {
		if status, _, _ := r.get("/v1/status", "Authorization", "Bearer guess"); status != 401 {
			t.Errorf("a guess: %d", status)
		}
	}
	if took := time.Since(began); took < 500*time.Millisecond {
		t.Errorf("six guesses took %v: nothing slows them down", took)
	}
	if log := r.log.String(); !strings.Contains(log, `"token":"one"`) || strings.Contains(log, secrets["one"]) {
		t.Error("the log has not the token's name, or the token")
	}
	for _, bad := range []string{"name all", "a all zz", "a nope " + strings.Repeat("0", 64), "a all " + strings.Repeat("0", 62)} {
		if err := os.WriteFile(file, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := serve.ReadTokens(file, ""); err == nil {
			t.Errorf("%q is taken for a token", bad)
		}
	}
}

// A page of another site, or a name that leads to this machine, gets nothing, though no token is needed.
func TestOtherSites(t *testing.T) {
	t.Parallel()
	r := serveFlights(t, func(o *serve.Options) { o.Hosts = []string{"good.example", "https://page.example"} })
	host := strings.TrimPrefix(r.url, "http://")
	for _, c := range []struct {
		status int
		header []string
	}{
		{200, nil}, {200, []string{"Host", "localhost:1"}}, {200, []string{"Host", "[::1]:80"}}, {200, []string{"Host", "good.example"}},
		{403, []string{"Host", "evil.example"}},
		{403, []string{"Host", "127.0.0.1.evil.example"}}, {200, []string{"Origin", "http://" + host}},
		{403, []string{"Origin", "http://evil.example"}}, {403, []string{"Origin", "null"}},
		{200, []string{"Origin", "https://page.example"}}, {403, []string{"Sec-Fetch-Site", "cross-site"}},
		{403, []string{"Origin", "http://127.0.0.1:1"}},
	} {
		if status, body, _ := r.get("/v1/endpoints/counted", c.header...); status != c.status {
			t.Errorf("%v: %d %s, want %d", c.header, status, body, c.status)
		}
	}
}

// Without a token nobody else's machine is let in.
func TestAddressNeedsToken(t *testing.T) {
	t.Parallel()
	err := serve.Run(t.Context(), serve.Options{Listen: "0.0.0.0:0", Options: optionsOf(t, "CREATE TABLE IF NOT EXISTS t (a INTEGER)")})
	if err == nil || !strings.Contains(err.Error(), "nobody would need a token") {
		t.Errorf("0.0.0.0 without a token: %v", err)
	}
}

// Whatever is sent, the server answers the next.
func TestHostile(t *testing.T) {
	t.Parallel()
	r := serveFlights(t, func(o *serve.Options) { o.Limits.Headers = time.Second; o.Limits.Slow = 2 * time.Second })
	host := strings.TrimPrefix(r.url, "http://")
	var silent []net.Conn
	for range 1000 {
		c, err := net.Dial("tcp", host)
		if err != nil {
			t.Fatal(err)
		}
		silent = append(silent, c)
	}
	r.want(200, `{"columns":[{"name":"n","type":"BIGINT"}],"rows":[{"n":4}],"version":1}`, "GET", "/v1/endpoints/counted", "")
	for _, c := range silent {
		_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
		if _, err := c.Read(make([]byte, 1)); err == nil || strings.Contains(err.Error(), "timeout") {
			t.Fatalf("a silent connection stays open: %v", err)
		}
		c.Close()
	}
	for _, path := range []string{"/v1/endpoints/../../etc/passwd", "/../../etc/passwd", "/v1/endpoints/%2e%2e%2fetc", "//etc/passwd",
		"/v1/endpoints/counted/..", "/v1/endpoints/%00"} {
		if status, body, _ := r.get(path); status != 404 && status != 405 && status != 307 && status != 200 || strings.Contains(body, "root:") {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	raw := func(text string) {
		c, err := net.Dial("tcp", host)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_, _ = c.Write([]byte(text))
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
		b := make([]byte, 512)
		n, _ := c.Read(b)
		if s := string(b[:n]); n > 0 && !strings.HasPrefix(s, "HTTP/1.1 4") {
			t.Errorf("%.60q: %s", text, s)
		}
	}
	raw("GET / HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X: "+strings.Repeat("y", 1000)+"\r\n", 200) + "\r\n")
	raw("POST /v1/endpoints/counted HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
	raw("\x16\x03\x01\x02\x00\x01\x00")
	raw("GET /v1/endpoints/counted HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
	if status, body, _ := r.post("/v1/endpoints/counted", strings.Repeat("[", 100_000)); status != 400 {
		t.Errorf("brackets: %d %.100s", status, body)
	}
	if status, body, _ := r.post("/v1/endpoints/echo", `{"s":`+strings.Repeat(`{"s":`, 100_000)); status != 400 {
		t.Errorf("objects: %d %.100s", status, body)
	}
	r.want(200, `{"columns":[{"name":"n","type":"BIGINT"}],"rows":[{"n":4}],"version":1}`, "GET", "/v1/endpoints/counted", "")
}

// A declaration changes, and a model's name moves, between requests: none fails, and each is answered by one version.
func TestExec(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "late.txt"), testcases.Stump(15, 1, 1))
	put(t, filepath.Join(dir, "f.csv"), flightRows)
	tokens := adminToken(t)
	script := flights + `; CREATE MODEL late FROM 'late.txt'; CREATE ENDPOINT score AS SELECT late(1.0, 1.0) AS p`
	r := start(t, dir, script, func(o *serve.Options) { o.Tokens, o.Follow = tokens, true }).ready()
	auth := []string{"Authorization", "Bearer secret-all"}
	admin := []string{"Authorization", "Bearer " + adminSecret}
	exec := func(sql string) {
		t.Helper()
		if status, body, _ := r.post("/v1/exec", string(mustJSON(t, map[string]string{"sql": sql})), admin...); status != 200 {
			t.Fatalf("%s: %d %s", sql, status, body)
		}
	}
	put(t, filepath.Join(dir, "late2.txt"), testcases.Stump(15, 2, 2))
	exec("CREATE MODEL late FROM 'late2.txt'")
	stop, asking := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(asking)
		for {
			select {
			case <-stop:
				return
			default:
			}
			status, body, _ := r.post("/v1/models/late/predict", `{"dep_delay":1}`, auth...)
			if one, two := strings.Contains(body, `[1.0],"model":{"name":"late","version":1}`),
				strings.Contains(body, `[2.0],"model":{"name":"late","version":2}`); status != 200 || !one && !two {
				t.Errorf("%d %s", status, body)
			}
			if status, body, _ := r.get("/v1/endpoints/score", auth...); status != 200 {
				t.Errorf("%d %s", status, body)
			}
		}
	}()
	for i := range 6 {
		exec([]string{"ALTER MODEL late USE VERSION 1", "ALTER MODEL late USE VERSION 2"}[i%2])
	}
	close(stop)
	<-asking
	r.want(200, `{"columns":[{"name":"n","type":"BIGINT"}],"rows":[{"n":4}],"version":1}`, "GET", "/v1/endpoints/counted", "", auth...)
	exec("CREATE ENDPOINT counted (x BIGINT DEFAULT 1) AS SELECT count(*) + $x AS m FROM flights")
	r.want(200, `{"columns":[{"name":"m","type":"BIGINT"}],"rows":[{"m":5}],"version":1}`, "GET", "/v1/endpoints/counted", "", auth...)
	exec("DROP ENDPOINT counted")
	if status, _, _ := r.get("/v1/endpoints/counted", auth...); status != 404 {
		t.Errorf("a dropped endpoint: %d", status)
	}
	if status, body, _ := r.post("/v1/exec", `{"sql":"SELECT nope"}`, admin...); status != 422 ||
		!strings.Contains(body, `"line":1,"column":8`) {
		t.Errorf("a wrong statement: %d %s", status, body)
	}
	r.ready()
}
