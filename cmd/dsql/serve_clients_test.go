package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"dsql/internal/testcases"
	"dsql/internal/testpython"
)

// Clients that nobody here wrote get along with the server: make test-serve-clients.
func TestServeClients(t *testing.T) {
	t.Parallel()
	python := testpython.NeedServe(t)
	script, err := filepath.Abs("../../testdata/python/serve_clients.py")
	if err != nil {
		t.Fatal(err)
	}
	dir := quackFolder(t)
	put(t, filepath.Join(dir, "late.txt"), testcases.Stump(15, -1, 1))
	url, _ := serveCommand(t, dir, strings.Replace(quackScript, "VIEW late ", "VIEW delayed ", 1)+`;
		CREATE MODEL late FROM 'late.txt';
		CREATE ENDPOINT delays (id VARCHAR, at_least DOUBLE DEFAULT 0.0) AS SELECT id, delay, day FROM flights WHERE id = $id AND delay >= $at_least;
		CREATE ENDPOINT one (id VARCHAR) AS SELECT delay, day FROM newest WHERE id = $id;
		CREATE ENDPOINT echo (d DECIMAL(5, 2) DEFAULT 1.5, t TIMESTAMP DEFAULT NULL, s STRUCT(a INTEGER, b VARCHAR) DEFAULT NULL,
			j JSON DEFAULT '{}', b BOOLEAN DEFAULT true, u UUID DEFAULT NULL, l INTEGER[] DEFAULT []) AS
			SELECT $d AS d, $t AS t, $s AS s, $j AS j, $b AS b, $u AS u, $l AS l`)
	c := exec.Command(python, script, url)
	c.Dir = t.TempDir() // they leave files
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
