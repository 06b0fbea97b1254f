package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dsql/pipeline/event"
)

// A fault of the server's own in a request is told to who asked, and in the log; the next is answered.
func TestServePanic(t *testing.T) {
	t.Parallel()
	url, stop := serveCommand(t, quackFolder(t), quackScript, "DSQL_FAULT=panic:request:100")
	failed := 0
	for range 120 {
		res, err := http.Get(url + "/v1/status")
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode == http.StatusInternalServerError {
			failed++
		}
	}
	if failed != 1 {
		t.Errorf("%d requests failed", failed)
	}
	if exit, said := stop(); exit != 0 || strings.Count(said, `"error":"a fault was asked for at request"`) != 1 ||
		!strings.Contains(said, `"code":"bug"`) || !strings.Contains(said, "http.go") {
		t.Errorf("exit code %d\n%.3000s", exit, said)
	}
}

// A certificate that has changed is shown within seconds.
func TestCertificateAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := serveCmd{TLSCert: filepath.Join(dir, "cert.pem"), TLSKey: filepath.Join(dir, "key.pem")}
	writeCertificate(t, &c, "one")
	warned := 0
	secure, err := c.secure("", func(event.Event) { warned++ })
	if err != nil {
		t.Fatal(err)
	}
	becomes := func(want string) {
		t.Helper()
		for until := time.Now().Add(20 * time.Second); ; time.Sleep(100 * time.Millisecond) {
			pair, err := secure.GetCertificate(nil)
			if err != nil {
				t.Fatal(err)
			}
			cert, err := x509.ParseCertificate(pair.Certificate[0])
			if err != nil {
				t.Fatal(err)
			}
			if cert.Subject.CommonName == want {
				return
			}
			if time.Now().After(until) {
				t.Fatalf("the certificate is that of %s, want %s", cert.Subject.CommonName, want)
			}
		}
	}
	becomes("one")
	put(t, c.TLSCert, "nonsense")
	for until := time.Now().Add(20 * time.Second); warned == 0 && time.Now().Before(until); time.Sleep(100 * time.Millisecond) {
		becomes("one")
	}
	writeCertificate(t, &c, "two")
	becomes("two")
	if warned != 1 {
		t.Errorf("%d warnings", warned)
	}
}

func writeCertificate(t *testing.T, c *serveCmd, name string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	of := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, of, of, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	put(t, c.TLSCert, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	put(t, c.TLSKey, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs})))
}
