package credentials

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

func TestKeyringMatches(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		registry, repository string
		want                 bool
	}{
		"host":                                      {"r.example", "r.example/app", true},
		"another host":                              {"r.example", "q.example/app", false},
		"https scheme":                              {"https://r.example", "r.example/app", true},
		"http scheme":                               {"http://r.example", "r.example/app", true},
		"other scheme is not supported":             {"ftp://r.example", "r.example/app", false},
		"upper-case scheme is not supported":        {"HTTPS://r.example", "r.example/app", false},
		"final slash":                               {"r.example/", "r.example/app", true},
		"v1 with final slash":                       {"https://r.example/v1/", "r.example/app", true},
		"v2 with final slash":                       {"https://r.example/v2/", "r.example/app", true},
		"v1 without final slash is a path":          {"https://r.example/v1", "r.example/app", false},
		"v1 without final slash as a path":          {"https://r.example/v1", "r.example/v1/app", true},
		"v3 is a path":                              {"https://r.example/v3/", "r.example/app", false},
		"path after v2":                             {"r.example/v2/team", "r.example/team/app", true},
		"only the first version is removed":         {"r.example/v2/v1/team", "r.example/team/app", false},
		"query is dropped":                          {"r.example?x", "r.example/app", true},
		"user name in the URL is dropped":           {"https://bob@r.example", "r.example/app", true},
		"path":                                      {"r.example/team", "r.example/team/app", true},
		"path is a prefix without boundary":         {"r.example/tea", "r.example/team/app", true},
		"whole repository as path":                  {"r.example/team/app", "r.example/team/app", true},
		"longer path":                               {"r.example/team/app2", "r.example/team/app", false},
		"path with final slash":                     {"r.example/team/", "r.example/team/app", true},
		"another path":                              {"r.example/shop", "r.example/team/app", false},
		"path in another case":                      {"r.example/Team", "r.example/team/app", false},
		"no wildcard in paths":                      {"r.example/*/app", "r.example/team/app", false},
		"host in another case":                      {"R.example", "r.example/app", false},
		"port":                                      {"r.example:5000", "r.example:5000/app", true},
		"another port":                              {"r.example:5000", "r.example:5001/app", false},
		"port that the repository does not have":    {"r.example:443", "r.example/app", false},
		"port that the key does not have":           {"r.example", "r.example:443/app", false},
		"no wildcard in ports":                      {"r.example:*", "r.example:5000/app", false},
		"empty port is ignored":                     {"r.example:", "r.example/app", true},
		"wildcard label":                            {"*.r.example", "eu.r.example/app", true},
		"wildcard with scheme and path":             {"https://*.r.example/team", "eu.r.example/team/app", true},
		"wildcard matches one label only":           {"*.r.example", "a.b.r.example/app", false},
		"wildcard does not match a missing label":   {"*.r.example", "r.example/app", false},
		"wildcard per label":                        {"*.*.r.example", "a.b.r.example/app", true},
		"wildcard within a label":                   {"eu-*.r.example", "eu-west.r.example/app", true},
		"wildcard within another label":             {"eu-*.r.example", "us-west.r.example/app", false},
		"wildcard for the last label":               {"r.*", "r.example/app", true},
		"wildcard with port":                        {"*.r.example:5000", "eu.r.example:5000/app", true},
		"single wildcard matches one label":         {"*", "localhost/app", true},
		"single wildcard does not match every host": {"*", "r.example/app", false},
		"question mark starts the query":            {"eu?.r.example", "eu1.r.example/app", false},
		"IPv4":                                      {"10.0.0.1:5000", "10.0.0.1:5000/app", true},
		"IPv6":                                      {"[::1]:5000", "[::1]:5000/app", true},
		"empty key":                                 {"", "r.example/app", false},
		"key that does not parse":                   {"r.example/%zz", "r.example/app", false},
		"key that does not parse once decoded":      {"r.example/%25zz", "r.example/%zz", false},
		"repository that does not parse":            {"r.example", "r.example/%zz", false},
		"percent escape":                            {"r.example/t%65am", "r.example/team/app", true},
		"pattern that does not compile":             {"a\\.example", "a\\.example/app", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := anonymous()
			if test.want {
				want = []string{"alice"}
			}
			got := users(Set{Keyring: podKeyring(test.registry + "=alice")}, test.repository)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("Lookup(%q) with key %q (-want +got):\n%s", test.repository, test.registry, diff)
			}
		})
	}
}

func TestKeyringMatchesDockerHubByTwoKeys(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		registry, repository string
		want                 bool
	}{
		"usual key":                          {"https://index.docker.io/v1/", "docker.io/library/nginx", true},
		"usual key by its other version":     {"https://index.docker.io/v2/", "docker.io/library/nginx", true},
		"usual key without final slash":      {"https://index.docker.io/v1", "docker.io/library/nginx", false},
		"index host":                         {"index.docker.io", "docker.io/library/nginx", true},
		"index host with path":               {"index.docker.io/library", "docker.io/library/nginx", false},
		"index host with port":               {"index.docker.io:443", "docker.io/library/nginx", false},
		"index host in another case":         {"Index.docker.io", "docker.io/library/nginx", false},
		"docker.io":                          {"docker.io", "docker.io/library/nginx", true},
		"docker.io with user":                {"docker.io/alice", "docker.io/alice/app", true},
		"docker.io with another user":        {"docker.io/bob", "docker.io/alice/app", false},
		"docker.io as URL":                   {"https://docker.io/v1/", "docker.io/library/nginx", true},
		"registry-1":                         {"registry-1.docker.io", "docker.io/library/nginx", false},
		"hub":                                {"hub.docker.com", "docker.io/library/nginx", false},
		"wildcard over docker.io":            {"*.docker.io", "docker.io/library/nginx", false},
		"index repository":                   {"index.docker.io", "index.docker.io/library/nginx", true},
		"wildcard over the index repository": {"*.docker.io", "index.docker.io/library/nginx", true},
		"another registry":                   {"index.docker.io", "r.example/app", false},
		"host with port":                     {"index.docker.io", "localhost:5000/app", false},
		"host without dot counts as a user":  {"index.docker.io", "localhost/app", true},
		"repository without host":            {"index.docker.io", "nginx", true},
		"repository with empty host":         {"index.docker.io", "/nginx", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := anonymous()
			if test.want {
				want = []string{"alice"}
			}
			got := users(Set{Keyring: podKeyring(test.registry + "=alice")}, test.repository)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("Lookup(%q) with key %q (-want +got):\n%s", test.repository, test.registry, diff)
			}
		})
	}
}

// The name of a host may have no dot if it is localhost, or in capitals.
func TestCredentialOfDockerHubIsWithheldFromOtherHosts(t *testing.T) {
	t.Parallel()
	hub := podKeyring("https://index.docker.io/v1/=alice")
	for repository, want := range map[string]bool{
		"docker.io/library/nginx": false, "localhost/app": true, "LOCALHOST/app": true, "EVIL/docker.io/app": true,
	} {
		for _, credential := range hub.Lookup(repository) {
			if credential.Withheld != want {
				t.Errorf("%s: withheld = %t, want %t", repository, credential.Withheld, want)
			}
		}
	}
	for _, credential := range Merge(hub, podKeyring("localhost=bob")).Lookup("localhost/app") {
		if credential.Username != "bob" || credential.Withheld {
			t.Errorf("got %s's credential, withheld = %t; want bob's, which is for this host", credential.Username, credential.Withheld)
		}
	}
}

func TestKeyringSortsByKey(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		entries    []string
		repository string
		want       []string
	}{
		"longer path first": {
			[]string{"r.example=host", "r.example/team/app=app", "r.example/team=team"},
			"r.example/team/app", []string{"app", "team", "host"},
		},
		"letters before wildcards": {
			[]string{"*.r.example=any", "eu.r.example=eu", "eu*.r.example=some"},
			"eu.r.example/app", []string{"eu", "some", "any"},
		},
		"wildcard with path before host without": {
			[]string{"*.r.example=any", "*.r.example/team=team"},
			"eu.r.example/team/app", []string{"team", "any"},
		},
		"lexicographic, not by length": {
			[]string{"*.r.example/team/app=long", "eu.r.example=short"},
			"eu.r.example/team/app", []string{"short", "long"},
		},
		"same key in the order given": {
			[]string{"r.example=first", "r.example=second", "r.example=third"},
			"r.example/app", []string{"first", "second", "third"},
		},
		"registries with the same key": {
			[]string{"https://r.example/v1/=first", "r.example=second", "http://r.example/=third"},
			"r.example/app", []string{"first", "second", "third"},
		},
		"only keys that match": {
			[]string{"q.example=q", "r.example=r", "s.example=s"},
			"r.example/app", []string{"r"},
		},
		"index key only if nothing matched": {
			[]string{"https://index.docker.io/v1/=index", "docker.io=hub"},
			"docker.io/library/nginx", []string{"hub"},
		},
		"all credentials of the index key": {
			[]string{"https://index.docker.io/v1/=first", "index.docker.io=second"},
			"docker.io/library/nginx", []string{"first", "second"},
		},
		"key that does not parse leaves the others": {
			[]string{"r.example/%zz=broken", "r.example=r"},
			"r.example/app", []string{"r"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := users(Set{Keyring: podKeyring(test.entries...)}, test.repository)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("Lookup(%q) (-want +got):\n%s", test.repository, diff)
			}
		})
	}
}

func TestLookupWithoutCredentialsIsAnonymous(t *testing.T) {
	t.Parallel()
	empty := imagepull.Credential{Source: "secret/shop/regcred"}
	for name, test := range map[string]struct {
		keyring Keyring
		want    imagepull.Credential
	}{
		"zero keyring":        {Keyring{}, imagepull.Credential{}},
		"nothing matches":     {podKeyring("q.example=alice"), imagepull.Credential{}},
		"empty entry matches": {NewKeyring(DockerConfig{"r.example": empty}), empty},
		"no key is a URL":     {podKeyring("%zz=alice"), imagepull.Credential{}},
		"zero set":            {Set{}.Keyring, imagepull.Credential{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, _ := lookup(Set{Keyring: test.keyring}, "r.example/app")
			if len(got) != 1 || got[0] != test.want || !got[0].IsAnonymous() {
				t.Errorf("Lookup() = %v, want the one anonymous credential %v", got, test.want)
			}
		})
	}
}

func TestKeyringLookupReturnsACopy(t *testing.T) {
	t.Parallel()
	keyring := podKeyring("r.example=alice")
	keyring.Lookup("r.example/app")[0].Username = "mallory"
	if got := keyring.Lookup("r.example/app")[0].Username; got != "alice" {
		t.Errorf("after a write to the result, Lookup() = %q, want alice", got)
	}
}

func TestNewKeyringSortsRegistriesWithTheSameKey(t *testing.T) {
	t.Parallel()
	keyring := NewKeyring(DockerConfig{
		"r.example":             {Username: "third"},
		"https://r.example/v1/": {Username: "second"},
		"http://r.example":      {Username: "first"},
	})
	if diff := cmp.Diff([]string{"first", "second", "third"}, users(Set{Keyring: keyring}, "r.example/app")); diff != "" {
		t.Errorf("users (-want +got):\n%s", diff)
	}
}

func TestKeyringSize(t *testing.T) {
	t.Parallel()
	keyring := Merge(
		NewKeyring(DockerConfig{"https://r.example": {Username: "alice", Password: "pw"}}),
		NewKeyring(DockerConfig{"q.example": {}, "%zz": {Username: "left out"}}),
	)
	if got, want := keyring.Size(), 2*entryBytes+len("r.example"+"alice"+"pw"+"q.example"); got != want {
		t.Errorf("Size() = %d, want %d", got, want)
	}
}
