package credentials

import (
	"maps"
	"slices"
	"strings"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

const (
	// dockerHubKey is the only key that matches Docker Hub without matching the name of the repository. Docker configs
	// usually spell it "https://index.docker.io/v1/".
	dockerHubKey = "index.docker.io"
	// entryBytes is the memory that an entry needs in addition to its texts.
	entryBytes = 256
)

// Keyring holds the credentials of one source in the kubelet's order (kubelet: pkg/credentialprovider/keyring.go,
// BasicDockerKeyring). The zero value is empty. A Keyring is immutable and safe for concurrent use.
type Keyring struct {
	entries redacted[[]keyringEntry]
}

// keyringEntry is a credential with the registries that it is for.
type keyringEntry struct {
	key        string
	pattern    Pattern
	credential imagepull.Credential
}

// NewKeyring returns a Keyring with the entries of a docker config. Entries whose registry is not a URL are left out, as
// in the kubelet.
//
// The kubelet ranges over a map, so two registries with the same key change places from lookup to lookup. Here they are
// sorted by registry.
func NewKeyring(config DockerConfig) Keyring {
	var entries []keyringEntry
	for _, registry := range slices.Sorted(maps.Keys(config)) {
		if key, ok := registryKey(registry); ok {
			entries = append(entries, keyringEntry{key, ParsePattern(key), config[registry]})
		}
	}
	return sortedKeyring(entries)
}

// Merge returns one Keyring with the entries of several, as if they were in one docker config.
func Merge(keyrings ...Keyring) Keyring {
	if len(keyrings) == 1 {
		return keyrings[0]
	}
	var entries []keyringEntry
	for _, k := range keyrings {
		entries = append(entries, k.entries.reveal()...)
	}
	return sortedKeyring(entries)
}

// sortedKeyring sorts the entries as the kubelet does: keys in reverse lexicographic order, so that a longer path comes
// before its own prefix. Entries with the same key keep their order.
func sortedKeyring(entries []keyringEntry) Keyring {
	slices.SortStableFunc(entries, func(a, b keyringEntry) int { return strings.Compare(b.key, a.key) })
	return Keyring{entries: redact(entries)}
}

// Lookup returns the credentials whose keys match a repository such as "docker.io/library/nginx", in the kubelet's order.
// An entry without user name and password is a match, too. Docker Hub's credential is Withheld from any other host.
func (k Keyring) Lookup(repository string) []imagepull.Credential {
	if len(k.entries.reveal()) == 0 {
		return nil
	}
	target := ParsePattern(repository)
	found := k.filter(func(e keyringEntry) bool { return e.pattern.matches(target) })
	if len(found) == 0 && isDockerHub(repository) {
		found = k.filter(func(e keyringEntry) bool { return e.key == dockerHubKey })
		host, _, _ := strings.Cut(repository, "/")
		for i := range found {
			found[i].Withheld = !strings.Contains(host, ".") && !found[i].IsAnonymous()
		}
	}
	return found
}

// Equal reports whether both keyrings return the same credentials for every repository.
func (k Keyring) Equal(other Keyring) bool {
	return slices.EqualFunc(k.entries.reveal(), other.entries.reveal(), func(a, b keyringEntry) bool {
		return a.key == b.key && a.credential == b.credential
	})
}

// Size estimates the memory of the keyring in bytes.
func (k Keyring) Size() int {
	total := 0
	for _, e := range k.entries.reveal() {
		total += entryBytes + len(e.key) + len(e.credential.Username) + len(e.credential.Password)
	}
	return total
}

func (k Keyring) filter(match func(keyringEntry) bool) []imagepull.Credential {
	var found []imagepull.Credential
	for _, e := range k.entries.reveal() {
		if match(e) {
			found = append(found, e.credential)
		}
	}
	return found
}

// isDockerHub reports whether the kubelet counts a repository to Docker Hub (kubelet: pkg/credentialprovider/keyring.go,
// isDefaultRegistryMatch). The kubelet treats a first part without dot and port as a user of Docker Hub, so it uses the
// credentials of Docker Hub for "localhost/app", too.
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
