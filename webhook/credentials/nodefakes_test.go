package credentials

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// logBuffer is a log that may be read while it is written.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func newLog() (*slog.Logger, *logBuffer) {
	buffer := new(logBuffer)
	return slog.New(slog.NewTextHandler(buffer, nil)), buffer
}

// fakeProgram answers instead of a provider's program, and counts.
type fakeProgram struct {
	name  string
	match []string
	// duration is the provider's own; a minute when empty.
	duration string
	token    bool
	answer   func(image string) (string, error)

	mu    sync.Mutex
	asked []string
}

func (f *fakeProgram) run(_ context.Context, input []byte) ([]byte, error) {
	var r request
	if err := json.Unmarshal(input, &r); err != nil {
		return nil, err
	}
	f.mu.Lock()
	f.asked = append(f.asked, r.Image)
	f.mu.Unlock()
	output, err := f.answer(r.Image)
	return []byte(output), err
}

// questions returns the repositories that the program was asked for.
func (f *fakeProgram) questions() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.asked, " ")
}

// always answers every question alike.
func always(output string) func(string) (string, error) {
	return func(string) (string, error) { return output, nil }
}

// answerOf is the output of a program: how it may be remembered, and one user per registry as in config.
func answerOf(caching string, logins ...string) string {
	list := make([]string, 0, len(logins))
	for _, l := range logins {
		registry, user, _ := strings.Cut(l, "=")
		list = append(list, fmt.Sprintf("%q: {\"username\": %q, \"password\": %q}", registry, user, password))
	}
	return fmt.Sprintf(`{"kind": "CredentialProviderResponse", "apiVersion": %q, %s, "auth": {%s}}`,
		requestV1, caching, strings.Join(list, ", "))
}

const (
	perImage    = `"cacheKeyType": "Image"`
	perRegistry = `"cacheKeyType": "Registry"`
	forAll      = `"cacheKeyType": "Global"`
)

// fakeNode is a node whose providers are fakes, with a clock that only the test moves.
type fakeNode struct {
	providers *Providers
	clock     *clocktesting.FakePassiveClock
	log       *logBuffer
}

func newFakeNode(t *testing.T, programs ...*fakeProgram) fakeNode {
	t.Helper()
	log, buffer := newLog()
	n := fakeNode{clock: clocktesting.NewFakePassiveClock(time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)), log: buffer}
	life, end := context.WithCancel(context.Background())
	n.providers = &Providers{host: &host{turns: make(chan struct{}, parallelRuns), life: life, end: end}}
	for _, f := range programs {
		duration := f.duration
		if duration == "" {
			duration = "1m"
		}
		// The token keeps the program from being looked for.
		spec := providerSpec{
			Name: f.name, MatchImages: f.match, DefaultCacheDuration: &duration, APIVersion: requestV1,
			TokenAttributes: &tokenAttributes{},
		}
		p, err := newProvider(spec, ProvidersOptions{Log: log, Clock: n.clock}, n.providers.host)
		if err != nil {
			t.Fatalf("newProvider() error = %v, want none", err)
		}
		p.wantsToken, p.run = f.token, f.run
		n.providers.list = append(n.providers.list, p)
	}
	t.Cleanup(n.providers.Close)
	return n
}

// ask returns what the providers alone have for a repository.
func (n fakeNode) ask(ctx context.Context, repository string) (names []string, problems []Problem) {
	credentials, problems := n.providers.match(ctx, repository)
	return users(credentials), problems
}

// mustConfig returns the nodes' config.json with the given text.
func mustConfig(t *testing.T, text string) *Config {
	t.Helper()
	log, _ := newLog()
	c, err := NewConfig(func() ([]byte, error) { return []byte(text), nil }, log)
	if err != nil {
		t.Fatalf("NewConfig() error = %v, want none", err)
	}
	return c
}

// podSet is a pod's set as Pods.
type podSet Set

func (s podSet) Credentials(context.Context, imagepull.Pod, bool) Set { return Set(s) }
