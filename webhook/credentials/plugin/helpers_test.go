package plugin

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"github.com/pullgate/pullgate/test/process"
	"github.com/pullgate/pullgate/webhook/credentials"
	"github.com/pullgate/pullgate/webhook/imagepull"
)

// password must not appear in any output.
const password = "s3cr3t-of-the-shop"

func newLog() (*slog.Logger, *process.Buffer) {
	buffer := new(process.Buffer)
	return slog.New(slog.NewTextHandler(buffer, nil)), buffer
}

// fakeProgram replaces the program of a provider and records its requests.
type fakeProgram struct {
	name  string
	match []string
	// duration is the default cache duration of the provider; a minute when empty.
	duration   string
	needsToken bool
	respond    func(image string) (string, error)

	mu       sync.Mutex
	received []string
}

func (f *fakeProgram) exec(_ context.Context, input []byte) ([]byte, error) {
	var r request
	if err := json.Unmarshal(input, &r); err != nil {
		return nil, err
	}
	f.mu.Lock()
	f.received = append(f.received, r.Image)
	f.mu.Unlock()
	output, err := f.respond(r.Image)
	return []byte(output), err
}

// requests returns the repositories of all requests.
func (f *fakeProgram) requests() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.received, " ")
}

// always returns the same output for every request.
func always(output string) func(string) (string, error) {
	return func(string) (string, error) { return output, nil }
}

// responseJSON returns the output of a program with fields for caching and entries in the form "registry=user".
func responseJSON(caching string, entries ...string) string {
	list := make([]string, 0, len(entries))
	for _, e := range entries {
		registry, user, _ := strings.Cut(e, "=")
		list = append(list, fmt.Sprintf("%q: {\"username\": %q, \"password\": %q}", registry, user, password))
	}
	return fmt.Sprintf(`{"kind": "CredentialProviderResponse", "apiVersion": %q, %s, "auth": {%s}}`,
		requestV1, caching, strings.Join(list, ", "))
}

const (
	perImage    = `"cacheKeyType": "Image"`
	perRegistry = `"cacheKeyType": "Registry"`
	global      = `"cacheKeyType": "Global"`
)

// fakeNode is a node with fake programs and a clock that only the test moves.
type fakeNode struct {
	providers *Providers
	clock     *clocktesting.FakePassiveClock
	log       *process.Buffer
}

func newFakeNode(t *testing.T, programs ...*fakeProgram) fakeNode {
	t.Helper()
	return newFakeNodeWithSlots(t, maxRuns, programs...)
}

func newFakeNodeWithSlots(t *testing.T, slots int, programs ...*fakeProgram) fakeNode {
	t.Helper()
	log, buffer := newLog()
	n := fakeNode{
		providers: &Providers{runner: newRunner(slots)},
		clock:     clocktesting.NewFakePassiveClock(time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)),
		log:       buffer,
	}
	for _, f := range programs {
		duration := f.duration
		if duration == "" {
			duration = "1m"
		}
		// A provider with token attributes needs no executable.
		spec := credentialProvider{
			Name: f.name, MatchImages: f.match, DefaultCacheDuration: &duration, APIVersion: requestV1,
			TokenAttributes: &tokenAttributes{},
		}
		p, err := newProvider(spec, Options{Log: log, Clock: n.clock}, n.providers.runner)
		if err != nil {
			t.Fatalf("newProvider() error = %v, want none", err)
		}
		p.needsToken, p.exec = f.needsToken, f.exec
		n.providers.list = append(n.providers.list, p)
	}
	t.Cleanup(n.providers.Close)
	return n
}

// provide returns the users that the providers have for a repository.
func (n fakeNode) provide(ctx context.Context, repository string) (names []string, problems []credentials.Problem) {
	keyring, problems := n.providers.Provide(ctx, repository)
	return users(keyring.Lookup(repository)), problems
}

// users returns the user names of credentials.
func users(credentials []imagepull.Credential) []string {
	var names []string
	for _, c := range credentials {
		names = append(names, c.Username)
	}
	return names
}

// problem returns one problem of a provider.
func problem(provider, detail string) []credentials.Problem {
	return []credentials.Problem{{Subject: fmt.Sprintf("credential provider %q", provider), Detail: detail}}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
