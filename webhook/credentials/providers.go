package credentials

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/clock"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// parallelRuns bounds how many providers run at once. Each is a process, and tenants choose how many images they list.
const parallelRuns = 8

// ProvidersOptions configure Providers.
type ProvidersOptions struct {
	// Files holds under Name what the kubelet is given as --image-credential-provider-config, a file or a directory. It is
	// read once, as it is by the kubelet.
	Files fs.FS
	Name  string
	// BinDir is what the kubelet is given as --image-credential-provider-bin-dir.
	BinDir string
	// Environ is the environment of the programs, to which the configuration of each may add.
	Environ []string
	// Log is told when a provider fails.
	Log *slog.Logger
	// Clock tells how old an answer is. Nil means the real one.
	Clock clock.PassiveClock
}

// Providers are the kubelet's credential providers: programs that are asked for credentials, image by image. They are safe
// for concurrent use; nil has none.
//
// An answer is remembered for as long as it says. One that comes too late for the caller is remembered all the same, so that
// the next caller has it.
type Providers struct {
	list []*provider
	host *host
}

// host is what the runs of all providers share.
type host struct {
	// turns has room for as many runs as may be under way at once.
	turns chan struct{}
	// life ends when the programs are no longer wanted.
	life    context.Context
	end     context.CancelFunc
	closing sync.Once
}

// NewProviders reads the configuration of the providers and looks for their programs. The error names the places of what is
// wrong.
func NewProviders(o ProvidersOptions) (*Providers, error) {
	specs, err := readProviderSpecs(o.Files, o.Name)
	if err != nil {
		return nil, err
	}
	if o.Clock == nil {
		o.Clock = clock.RealClock{}
	}
	life, end := context.WithCancel(context.Background())
	p := &Providers{host: &host{turns: make(chan struct{}, parallelRuns), life: life, end: end}}
	for i, spec := range specs {
		one, err := newProvider(spec, o, p.host)
		if err != nil {
			end()
			return nil, fmt.Errorf("%s: %w", field.NewPath("providers").Index(i).Child("name"), err)
		}
		p.list = append(p.list, one)
	}
	return p, nil
}

// Close ends the programs that run and waits for them. Providers that are closed have nothing to say.
func (p *Providers) Close() {
	if p == nil {
		return
	}
	p.host.closing.Do(func() {
		p.host.end()
		for range cap(p.host.turns) {
			p.host.turns <- struct{}{}
		}
	})
}

// none reports whether there is no provider.
func (p *Providers) none() bool { return p == nil || len(p.list) == 0 }

// match returns the credentials that the providers have for a repository, in the kubelet's order, and what went wrong.
// The answers of all make one ring: not the provider but the key decides what comes first.
func (p *Providers) match(ctx context.Context, repository string) ([]imagepull.Credential, []Problem) {
	if p == nil {
		return nil, nil
	}
	asked := p.responsible(repository)
	rings := make([]Keyring, len(asked))
	problems := make([]Problem, len(asked))
	var runs sync.WaitGroup
	for i, one := range asked {
		runs.Go(func() { rings[i], problems[i] = one.ring(ctx, repository) })
	}
	runs.Wait()
	problems = slices.DeleteFunc(problems, func(p Problem) bool { return p == Problem{} })
	return merge(rings...).match(repository), problems
}

// responsible returns the providers whose patterns fit a repository.
func (p *Providers) responsible(repository string) []*provider {
	target := newPattern(repository)
	var asked []*provider
	for _, one := range p.list {
		if slices.ContainsFunc(one.patterns, func(p pattern) bool { return p.matches(target) }) {
			asked = append(asked, one)
		}
	}
	return asked
}

var errNoExecutable = errors.New("the directory of the providers holds no executable of this name")

// program returns the path of a provider's program. Where the directory is "." a path that isn't absolute would be looked
// up elsewhere.
func program(binDir, name string) (string, error) {
	dir, err := filepath.Abs(binDir)
	if err != nil {
		return "", fmt.Errorf("finding the directory of the providers: %w", err)
	}
	path, err := exec.LookPath(filepath.Join(dir, name))
	if err != nil {
		return "", fmt.Errorf("%w: %q", errNoExecutable, name)
	}
	return path, nil
}
