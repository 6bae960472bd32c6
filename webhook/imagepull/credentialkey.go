package imagepull

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
)

// CredentialKey identifies a credential by what a registry receives of it, without holding it. The source of a credential
// is not a part of it: the same account in the secrets of two namespaces has one key.
type CredentialKey [sha256.Size]byte

// CredentialKeyer makes the credential keys of one process. Its secret is random: a CredentialKey means nothing elsewhere.
type CredentialKeyer struct {
	secret    [sha256.Size]byte
	anonymous CredentialKey
}

// NewCredentialKeyer returns a CredentialKeyer with a new random secret.
func NewCredentialKeyer() *CredentialKeyer {
	k := &CredentialKeyer{}
	_, _ = rand.Read(k.secret[:]) // crypto/rand.Read never returns an error
	k.anonymous = k.sum("", "")
	return k
}

// Key returns the key of a credential. All anonymous credentials have the same key, whatever their password.
func (k *CredentialKeyer) Key(c Credential) CredentialKey {
	if c.IsAnonymous() {
		return k.anonymous
	}
	return k.sum(c.Username, c.Password)
}

// sum writes the length before each field, so that no two pairs of fields give the same input, and no input is the extension of
// another. It allocates no memory for short fields, unlike package hmac: each lookup of a cached verdict needs a key.
func (k *CredentialKeyer) sum(fields ...string) CredentialKey {
	text := append(make([]byte, 0, 256), k.secret[:]...)
	for _, field := range fields {
		text = binary.BigEndian.AppendUint64(text, uint64(len(field)))
		text = append(text, field...)
	}
	return sha256.Sum256(text)
}
