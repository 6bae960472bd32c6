package credentials

import "slices"

// Problem is the cause why a pull secret or a credential source of the nodes provides no credential.
type Problem struct {
	// Subject names the object, such as `pull secret "regcred"`.
	Subject string
	// Detail describes the cause in Pullgate's own words. It quotes no secret.
	Detail string
}

// String returns subject and detail.
func (p Problem) String() string { return p.Subject + ": " + p.Detail }

// IsZero reports whether the problem is the zero value, which means none.
func (p Problem) IsZero() bool { return p == Problem{} }

// Set holds all credentials that a kubelet has for the pulls of one pod. The zero value is the set of a pod without pull
// secrets, on a node without credentials of its own.
type Set struct {
	// Keyring holds the credentials of the pod's pull secrets.
	Keyring Keyring
	// Invalid are the secrets with an entry that does not decode. A single one fails every pull of the pod, for every
	// registry, so the kubelet never uses the keyring then.
	Invalid []Problem
	// Missing are the names of listed secrets that do not exist yet. The kubelet ignores them until they do.
	Missing []string
	// Unreadable are secrets, or a service account, that Pullgate could not read although a kubelet may. Their credentials
	// are unknown, so they make a verdict indeterminate and never justify a denial.
	Unreadable []Problem
	// Ignored are listed secrets that add nothing to the keyring, now or later: they hold no credential, or cannot exist.
	Ignored []Problem
	// FromCache reports that some object of this set came from a cache, so that it may have changed since.
	FromCache bool

	// node holds the credentials of the node.
	node nodeSet
}

// Equal reports whether two sets have the same credentials and problems. It ignores FromCache and the credential
// providers, which are the same for all pods.
func (s Set) Equal(other Set) bool {
	return s.Keyring.Equal(other.Keyring) &&
		slices.Equal(s.Invalid, other.Invalid) &&
		slices.Equal(s.Missing, other.Missing) &&
		slices.Equal(s.Unreadable, other.Unreadable) &&
		slices.Equal(s.Ignored, other.Ignored) &&
		s.node.dockerConfig.Equal(other.node.dockerConfig) &&
		slices.Equal(s.node.problems, other.node.problems)
}
