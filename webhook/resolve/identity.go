package resolve

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// identity tells credentials apart by what a registry gets to see, without keeping it. Where a credential comes from is no
// part of it: the same account in the secrets of two namespaces is one.
type identity [sha256.Size]byte

// key names all that an answer depends on. One tenant's access never answers for another: the identity is part of it.
type key struct {
	ref      imagepull.Reference
	identity identity
}

// identities makes identities, which mean nothing to anybody else.
type identities struct {
	secret    [sha256.Size]byte
	anonymous identity
}

func newIdentities() *identities {
	i := &identities{}
	_, _ = rand.Read(i.secret[:]) // it never fails (crypto/rand)
	i.anonymous = i.sum("", "")
	return i
}

func (i *identities) key(ref imagepull.Reference, cred imagepull.Credential) key {
	return key{ref, i.of(cred)}
}

func (i *identities) of(cred imagepull.Credential) identity {
	if cred.IsAnonymous() {
		return i.anonymous
	}
	return i.sum(cred.Username, cred.Password)
}

// sum puts the length before each part, so that no two pairs of parts make the same text.
func (i *identities) sum(parts ...string) identity {
	text := make([]byte, 0, 256)
	for _, part := range parts {
		text = binary.BigEndian.AppendUint64(text, uint64(len(part)))
		text = append(text, part...)
	}
	mac := hmac.New(sha256.New, i.secret[:])
	mac.Write(text)
	return identity(mac.Sum(text[:0]))
}
