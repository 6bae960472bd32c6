package resolve

import (
	"context"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// key identifies one lookup of one namespace. The credential is a part of it, because a verdict for one account does not apply
// to another. The namespace is a part of it, so that the failures of one namespace do not affect others.
type key struct {
	namespace  string
	ref        imagepull.Reference
	credential imagepull.CredentialKey
}

// key returns the key of a lookup for the namespace of the context.
func (r *Resolver) key(ctx context.Context, ref imagepull.Reference, cred imagepull.Credential) key {
	return key{namespaceOf(ctx), ref, r.keyer.Key(cred)}
}

// shared returns the key without the namespace.
func (k key) shared() key {
	k.namespace = ""
	return k
}

// host returns the key of the registry for all namespaces.
func (k key) host() key { return key{ref: imagepull.Reference{Domain: k.ref.Domain}} }

// ownHost returns the key of the registry for the namespace.
func (k key) ownHost() key { return key{namespace: k.namespace, ref: k.host().ref} }

// account returns the key of the credential at the registry for the namespace.
func (k key) account() key { return key{k.namespace, k.host().ref, k.credential} }

// String returns the key for singleflight, which takes strings only. Namespaces and references contain no NUL, so that
// different keys have different strings.
func (k key) String() string {
	return string(k.credential[:]) + k.namespace + "\x00" +
		k.ref.Domain + "\x00" + k.ref.Path + "\x00" + k.ref.Tag + "\x00" + k.ref.Digest
}
