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
	"sync"
	"sync/atomic"
	"syscall"
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

// Certificates that change while a run follows are read again: brokers that took the old ones, and now take others alone, are reached when the
// files have these.
func TestKafkaTLSReload(t *testing.T) {
	t.Parallel()
	k := &kafka{t: t, dir: t.TempDir(), topic: "t"}
	var now atomic.Pointer[tls.Config] // of the brokers
	renew := func() (client *tls.Config) {
		ca, caKey := k.certificate("ca", nil, nil)
		server, serverKey := k.certificate("server", ca, caKey)
		mine, mineKey := k.certificate("client", ca, caKey)
		pool := x509.NewCertPool()
		pool.AddCert(ca)
		now.Store(&tls.Config{ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert,
			Certificates: []tls.Certificate{{Certificate: [][]byte{server.Raw}, PrivateKey: serverKey}}})
		return &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{{Certificate: [][]byte{mine.Raw}, PrivateKey: mineKey}}}
	}
	first := renew()
	conns := &dropping{}
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "t"), kfake.ListenFn(conns.listen),
		kfake.TLS(&tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return now.Load(), nil }}))
	k.must(err)
	t.Cleanup(c.Close)
	k.brokers = c.ListenAddrs()[0]
	k.connect(kgo.DialTLSConfig(first))
	k.put(`{"id":1}`)
	k.script("CREATE CONNECTION c TO KAFKA (brokers '{brokers}', tls_ca 'ca.pem', tls_cert 'client.pem', tls_key 'client.key');" +
		"CREATE SOURCE ev (id BIGINT) FROM KAFKA (connection c, topic 't', batch_time '10ms'); CREATE STREAM s FROM ev;")
	f := k.follow()
	f.sees(`"event":"version"`, 1)
	files := map[string][]byte{}
	for _, name := range []string{"ca.pem", "client.pem", "client.key"} {
		files[name], err = os.ReadFile(filepath.Join(k.dir, name))
		k.must(err)
	}
	second := renew()
	for name, old := range files { // the brokers have the new ones before the client has
		text, err := os.ReadFile(filepath.Join(k.dir, name))
		k.must(err)
		k.must(os.WriteFile(filepath.Join(k.dir, name), old, 0o600))
		files[name] = text
	}
	conns.drop()
	k.connect(kgo.DialTLSConfig(second))
	k.put(`{"id":2}`)
	f.sees(`"code":"bad-certificate"`, 1)
	for name, text := range files {
		k.must(os.WriteFile(filepath.Join(k.dir, name), text, 0o600))
	}
	f.sees(`"event":"version"`, 2)
	if code := f.ends(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d\n%s", code, f.said())
	}
	k.is("SELECT id FROM s ORDER BY id", "1\n2")
}

// dropping listens, and closes connections when it is told to.
type dropping struct {
	mu    sync.Mutex
	conns []net.Conn
}

func (d *dropping) listen(network, address string) (net.Listener, error) {
	l, err := net.Listen(network, address)
	return &droppingListener{l, d}, err
}

func (d *dropping) drop() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.conns {
		c.Close()
	}
	d.conns = nil
}

type droppingListener struct {
	net.Listener
	d *dropping
}

func (l *droppingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		l.d.mu.Lock()
		l.d.conns = append(l.d.conns, c)
		l.d.mu.Unlock()
	}
	return c, err
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
