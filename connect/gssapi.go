package connect

import (
	"errors"

	"github.com/jcmturner/gokrb5/v8/client"
	"github.com/jcmturner/gokrb5/v8/gssapi"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// The exchange of SASL's mechanism GSSAPI (RFC 4752) with Kerberos: a ticket for the service, then which protection follows; none does.

// session is one exchange with a broker.
type session struct {
	key  types.EncryptionKey // of the ticket
	over bool
}

// Checksum of an authenticator that says what is wanted of the context (RFC 4121, 4.1.1): no channel bindings; integrity and confidentiality.
const (
	contextChecksum = 0x8003
	contextFlags    = gssapi.ContextFlagInteg | gssapi.ContextFlagConf
)

// begin gets a ticket for a service, and is the first thing that its server is told.
func begin(cl *client.Client, service string) (*session, []byte, error) {
	if err := cl.AffirmLogin(); err != nil {
		return nil, nil, err
	}
	ticket, key, err := cl.GetServiceTicket(service)
	if err != nil {
		return nil, nil, err
	}
	who, err := types.NewAuthenticator(cl.Credentials.Domain(), cl.Credentials.CName())
	if err != nil {
		return nil, nil, err
	}
	sum := make([]byte, 24)
	sum[0], sum[20] = 16, contextFlags
	who.Cksum = types.Checksum{CksumType: contextChecksum, Checksum: sum}
	req, err := messages.NewAPReq(ticket, key, who)
	if err != nil {
		return nil, nil, err
	}
	text, err := req.Marshal()
	if err != nil {
		return nil, nil, err
	}
	var b cryptobyte.Builder
	b.AddASN1(asn1.Tag(0x60), func(b *cryptobyte.Builder) { // RFC 2743, 3.1
		b.AddASN1ObjectIdentifier([]int{1, 2, 840, 113554, 1, 2, 2})
		b.AddBytes([]byte{1, 0}) // an AP-REQ follows
		b.AddBytes(text)
	})
	first, err := b.Bytes()
	return &session{key: key}, first, err
}

// Challenge answers which protections the broker offers with none, as who it is.
func (s *session) Challenge(asked []byte) (bool, []byte, error) {
	if s.over {
		return false, nil, errors.New("SASL: the exchange of tickets doesn't end")
	}
	s.over = true
	var offer gssapi.WrapToken
	if err := offer.Unmarshal(asked, true); err != nil {
		return false, nil, err
	}
	if ok, err := offer.Verify(s.key, keyusage.GSSAPI_ACCEPTOR_SEAL); !ok {
		return false, nil, errors.Join(errors.New("SASL: the broker's answer is not of the ticket's key"), err)
	}
	answer, err := gssapi.NewInitiatorWrapToken([]byte{1, 0, 0, 0}, s.key) // no protection, and so no size
	if err != nil {
		return false, nil, err
	}
	text, err := answer.Marshal()
	return true, text, err
}
