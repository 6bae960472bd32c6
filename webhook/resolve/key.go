package resolve

import "github.com/pullgate/pullgate/webhook/imagepull"

// key identifies one lookup. The credential is a part of it, because a verdict for one account does not apply to another.
type key struct {
	ref        imagepull.Reference
	credential imagepull.CredentialKey
}

// registry returns the key of the whole registry.
func (k key) registry() key { return key{ref: imagepull.Reference{Domain: k.ref.Domain}} }

// account returns the key of the credential at the registry.
func (k key) account() key { return key{k.registry().ref, k.credential} }

// String returns the key for singleflight, which takes strings only. A reference contains no NUL, so that different keys
// have different strings.
func (k key) String() string {
	return string(k.credential[:]) + k.ref.Domain + "\x00" + k.ref.Path + "\x00" + k.ref.Tag + "\x00" + k.ref.Digest
}
