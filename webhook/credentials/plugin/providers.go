package plugin

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/clock"

	"github.com/pullgate/pullgate/webhook/credentials"
	"github.com/pullgate/pullgate/webhook/parallel"
)

// Options configure Providers. All fields but Environ and Clock are required.
type Options struct {
	// Files contains, under Name, the value of the kubelet's --image-credential-provider-config: a file or a directory. It is
	// read once, as the kubelet does.
	Files fs.FS
	Name  string
	// BinDir is the value of the kubelet's --image-credential-provider-bin-dir.
	BinDir string
	// Environ is the environment of the programs. The configuration of each may add variables.
	Environ []string
	// Log receives the failures of providers.
	Log *slog.Logger
	// Clock decides whether a cached response has expired; the real clock when nil.
	Clock clock.PassiveClock
}

// Providers runs the kubelet's credential providers. It is safe for concurrent use.
//
// A response is cached for the duration that it states. A response that is too late for its caller is cached for the next
// one.
type Providers struct {
	list   []*provider
	runner *runner
}

var _ credentials.Provider = (*Providers)(nil)

// New returns the Providers of a configuration. It returns an error with all mistakes of a file and their places, or if a
// program does not exist.
func New(o Options) (*Providers, error) {
	specs, err := readConfig(o.Files, o.Name)
	if err != nil {
		return nil, err
	}
	if o.Clock == nil {
		o.Clock = clock.RealClock{}
	}
	p := &Providers{runner: newRunner(maxRuns)}
	for i, spec := range specs {
		one, err := newProvider(spec, o, p.runner)
		if err != nil {
			p.Close()
			return nil, fmt.Errorf("%s: %w", field.NewPath("providers").Index(i).Child("name"), err)
		}
		p.list = append(p.list, one)
	}
	return p, nil
}

// Close kills the programs that run and waits for them. Providers fail after Close. Close does nothing if p is nil.
func (p *Providers) Close() {
	if p != nil {
		p.runner.close()
	}
}

// Provide implements credentials.Provider. It runs all providers whose matchImages match the repository in parallel. The
// credentials of all make one keyring: the keys decide the order, not the providers.
func (p *Providers) Provide(ctx context.Context, repository string) (credentials.Keyring, []credentials.Problem) {
	var allowed []*provider
	for _, one := range p.list {
		if one.isImageAllowed(repository) {
			allowed = append(allowed, one)
		}
	}
	keyrings := make([]credentials.Keyring, len(allowed))
	problems := make([]credentials.Problem, len(allowed))
	var runs parallel.Group
	for i, one := range allowed {
		runs.Go(func() { keyrings[i], problems[i] = one.provide(ctx, repository) })
	}
	runs.Wait()
	return credentials.Merge(keyrings...), slices.DeleteFunc(problems, credentials.Problem.IsZero)
}
