package credentials

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// password must not appear in any output.
const password = "s3cr3t-of-the-shop"

// anonymous is the user of the anonymous credential.
func anonymous() []string { return []string{""} }

// auth returns the auth field for a user with the constant password.
func auth(user string) string {
	return base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
}

// dockerConfigJSON returns a docker config.json with entries in the form "registry=user".
func dockerConfigJSON(entries ...string) string {
	list := make([]string, 0, len(entries))
	for _, e := range entries {
		registry, user, _ := strings.Cut(e, "=")
		list = append(list, fmt.Sprintf("%q: {\"auth\": %q}", registry, auth(user)))
	}
	return `{"auths": {` + strings.Join(list, ", ") + `}}`
}

// newKeyring returns a keyring with entries in the form "registry=user", in the order of the arguments.
func newKeyring(source string, entries ...string) Keyring {
	var keyrings []Keyring
	for _, e := range entries {
		registry, user, _ := strings.Cut(e, "=")
		credential := imagepull.Credential{Username: user, Password: password, Source: source}
		keyrings = append(keyrings, NewKeyring(DockerConfig{registry: credential}))
	}
	return Merge(keyrings...)
}

// podKeyring returns the keyring of a pull secret.
func podKeyring(entries ...string) Keyring { return newKeyring("secret/shop/regcred", entries...) }

// lookup returns the credentials and problems that a set yields for a repository.
func lookup(set Set, repository string) (found []imagepull.Credential, problems []Problem) {
	for credential, problem := range set.Lookup(context.Background(), repository) {
		if problem.IsZero() {
			found = append(found, credential)
		} else {
			problems = append(problems, problem)
		}
	}
	return found, problems
}

// users returns the user names that a set yields for a repository. The anonymous credential has the empty name.
func users(set Set, repository string) []string {
	found, _ := lookup(set, repository)
	var names []string
	for _, c := range found {
		names = append(names, c.Username)
	}
	return names
}

// login is the user name and the source of a credential.
type login struct{ User, Source string }

func logins(credentials []imagepull.Credential) []login {
	var all []login
	for _, c := range credentials {
		all = append(all, login{c.Username, c.Source})
	}
	return all
}

// fakeProvider calls a function and records the repositories.
type fakeProvider struct {
	provide  func(repository string) (Keyring, []Problem)
	requests []string
}

func (f *fakeProvider) Provide(_ context.Context, repository string) (Keyring, []Problem) {
	f.requests = append(f.requests, repository)
	return f.provide(repository)
}

// newFakeProvider returns a Provider with entries in the form "registry=user".
func newFakeProvider(entries ...string) *fakeProvider {
	keyring := newKeyring(PluginSource("fake"), entries...)
	return &fakeProvider{provide: func(string) (Keyring, []Problem) { return keyring, nil }}
}

// fakeSource returns the same set for every pod.
type fakeSource struct{ cached, fresh Set }

func (s fakeSource) Credentials(context.Context, imagepull.Pod) Set      { return s.cached }
func (s fakeSource) FreshCredentials(context.Context, imagepull.Pod) Set { return s.fresh }
