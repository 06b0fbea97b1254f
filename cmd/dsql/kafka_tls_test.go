package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// TLS with an authority of one's own, and with a certificate of the client's.
func TestKafkaTLS(t *testing.T) {
	t.Parallel()
	k := &kafka{t: t, dir: t.TempDir(), topic: "t"}
	ca, caKey := k.certificate("ca", nil, nil)
	server, serverKey := k.certificate("server", ca, caKey)
	client, clientKey := k.certificate("client", ca, caKey)
	pool := x509.NewCertPool()
	pool.AddCert(ca)
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "t"),
		kfake.TLS(&tls.Config{ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert,
			Certificates: []tls.Certificate{{Certificate: [][]byte{server.Raw}, PrivateKey: serverKey}}}))
	k.must(err)
	t.Cleanup(c.Close)
	k.brokers = c.ListenAddrs()[0]
	k.connect(kgo.DialTLSConfig(&tls.Config{RootCAs: pool,
		Certificates: []tls.Certificate{{Certificate: [][]byte{client.Raw}, PrivateKey: clientKey}}}))
	k.put(`{"id":1}`)
	with := func(options string) {
		k.script("CREATE CONNECTION c TO KAFKA (brokers '{brokers}'" + options +
			"); CREATE SOURCE ev (id BIGINT) FROM KAFKA (connection c, topic 't'); CREATE STREAM s FROM ev;")
	}
	with(", tls_ca 'ca.pem', tls_cert 'client.pem', tls_key 'client.key'")
	k.runs()
	k.is("SELECT id FROM s", "1")
	with("")
	k.fails(4, "[broker-unreachable]")
	with(", tls true")
	k.fails(4, "signed by an unknown authority")
	with(", tls_ca 'ca.pem', tls_server_name 'elsewhere', tls_cert 'client.pem', tls_key 'client.key'")
	k.fails(4, "for another host")
	with(", tls_ca 'ca.pem'")
	k.fails(4, "[")
	with(", tls_ca 'client.key'")
	k.fails(4, "holds no certificate")
	with(", tls_ca 'nowhere.pem'")
	k.fails(4, "[unreadable-file]")
}

// certificate makes one for 127.0.0.1, signed by another or by itself, and writes it and its key.
func (k *kafka) certificate(name string, parent *x509.Certificate, by *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
	k.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	k.must(err)
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: parent == nil, BasicConstraintsValid: true}
	if parent == nil {
		parent, by = tmpl, key
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, &key.PublicKey, by)
	k.must(err)
	cert, err := x509.ParseCertificate(der)
	k.must(err)
	keyDER, err := x509.MarshalECPrivateKey(key)
	k.must(err)
	for file, block := range map[string]*pem.Block{".pem": {Type: "CERTIFICATE", Bytes: der},
		".key": {Type: "EC PRIVATE KEY", Bytes: keyDER}} {
		k.must(os.WriteFile(filepath.Join(k.dir, name+file), pem.EncodeToMemory(block), 0o600))
	}
	return cert, key
}
