package credentials

import (
	"slices"
	"strings"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// dockerHubKey is the only key that opens Docker Hub without matching the repository's name. Its usual spelling in a
// docker config is "https://index.docker.io/v1/".
const dockerHubKey = "index.docker.io"

// Keyring holds credentials from one place, in the order in which a kubelet would try them. The zero value is an empty
// ring. A Keyring never changes, so it may be shared.
type Keyring struct {
	ring sealed[[]key]
}

// key is one credential with the registries that it is meant for.
type key struct {
	name       string
	pattern    pattern
	credential imagepull.Credential
}

// newKeyring sorts the entries as the kubelet does: names in reverse lexicographic order, so that of two names with the
// same beginning the longer comes first, and equal names in the order of their secrets.
func newKeyring(entries []entry) Keyring {
	var ring []key
	for _, e := range entries {
		name, ok := keyName(e.registry)
		if !ok {
			continue
		}
		ring = append(ring, key{name: name, pattern: newPattern(name), credential: e.credential})
	}
	return inOrder(ring)
}

func inOrder(ring []key) Keyring {
	slices.SortStableFunc(ring, func(a, b key) int { return strings.Compare(b.name, a.name) })
	return Keyring{ring: seal(ring)}
}

// merge returns one ring with the keys of several, as if all had been on one list.
func merge(rings ...Keyring) Keyring {
	if len(rings) == 1 {
		return rings[0]
	}
	var all []key
	for _, k := range rings {
		all = append(all, k.ring.open()...)
	}
	return inOrder(all)
}

// size returns about how many bytes the ring takes.
func (k Keyring) size() int {
	total := 0
	for _, one := range k.ring.open() {
		total += keyBytes + len(one.name) + len(one.credential.Username) + len(one.credential.Password)
	}
	return total
}

// match returns the credentials whose keys fit a repository such as "docker.io/library/nginx", in the kubelet's order. An
// entry with neither user name nor password counts as a match, too.
func (k Keyring) match(repository string) []imagepull.Credential {
	if len(k.ring.open()) == 0 {
		return nil
	}
	target := newPattern(repository)
	found := k.choose(func(candidate key) bool { return candidate.pattern.matches(target) })
	if len(found) == 0 && isDockerHub(repository) {
		found = k.choose(func(candidate key) bool { return candidate.name == dockerHubKey })
	}
	return found
}

// equal reports whether both rings give the same answer to every question.
func (k Keyring) equal(other Keyring) bool {
	return slices.EqualFunc(k.ring.open(), other.ring.open(), func(a, b key) bool {
		return a.name == b.name && a.credential == b.credential
	})
}

func (k Keyring) choose(fits func(key) bool) []imagepull.Credential {
	var found []imagepull.Credential
	for _, candidate := range k.ring.open() {
		if fits(candidate) {
			found = append(found, candidate.credential)
		}
	}
	return found
}

// isDockerHub reports whether the kubelet takes a repository to be one of Docker Hub. A first part without a dot or a
// port is a user of Docker Hub to it, so "localhost/app" is shown Docker Hub's credentials as well.
func isDockerHub(repository string) bool {
	first, _, hasPath := strings.Cut(repository, "/")
	switch {
	case first == "":
		return false
	case !hasPath, first == "docker.io", first == dockerHubKey:
		return true
	}
	return !strings.ContainsAny(first, ".:")
}
