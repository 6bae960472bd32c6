package credentials

import "slices"

// Problem is something that keeps a pull secret, or what the nodes have of their own, from opening any registry.
type Problem struct {
	// Subject names what it is about, such as `pull secret "regcred"`.
	Subject string
	// Detail says in a few words what is wrong: Pullgate's own text, free of secrets.
	Detail string
}

// String returns subject and detail.
func (p Problem) String() string { return p.Subject + ": " + p.Detail }

// Set is everything that a kubelet would have for the pulls of one pod. The zero value is the set of a pod without pull
// secrets, on a node without credentials of its own.
type Set struct {
	// Keyring is that of the pod's pull secrets.
	Keyring
	// Invalid are the secrets with an entry that does not decode. A single one fails every pull of the pod, whatever the
	// registry, so the keyring then has a say in nothing.
	Invalid []Problem
	// Missing are the names of listed secrets that don't exist, as written in the pod. The kubelet goes on without them.
	Missing []string
	// Unreadable are secrets, or a service account, that Pullgate could not read though a kubelet may: what the keyring
	// lacks because of them is unknown, so they raise a doubt and never justify a denial.
	Unreadable []Problem
	// Ignored are secrets that exist and decode but add nothing to the keyring.
	Ignored []Problem
	// Remembered tells that some secret was not read for this set but shortly before, so that it may have changed.
	Remembered bool

	// node is what the kubelet has besides.
	node nodeSet
}

// Equal reports whether two sets say the same, even if one was remembered and the other read.
func (s Set) Equal(other Set) bool {
	return s.equal(other.Keyring) &&
		slices.Equal(s.Invalid, other.Invalid) &&
		slices.Equal(s.Missing, other.Missing) &&
		slices.Equal(s.Unreadable, other.Unreadable) &&
		slices.Equal(s.Ignored, other.Ignored) &&
		s.node.equal(other.node)
}

// note files what is wrong with one secret under its kind.
func (s *Set) note(subject string, c contents) {
	if c.invalid != "" {
		s.Invalid = append(s.Invalid, Problem{Subject: subject, Detail: c.invalid})
	}
	if c.ignored != "" {
		s.Ignored = append(s.Ignored, Problem{Subject: subject, Detail: c.ignored})
	}
}
