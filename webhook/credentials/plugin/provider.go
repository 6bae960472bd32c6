package plugin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"path/filepath"
	"slices"

	"golang.org/x/sync/singleflight"

	"github.com/pullgate/pullgate/webhook/credentials"
	"github.com/pullgate/pullgate/webhook/parallel"
)

var errNoExecutable = errors.New("the provider directory has no executable of this name")

// provider is one program with the cache of its responses.
type provider struct {
	name       string
	apiVersion string
	patterns   []credentials.Pattern
	// needsToken marks a provider for which the kubelet creates a token of the pod's service account. Pullgate may not create
	// one, and without it the response would differ.
	needsToken bool
	// exec writes a request to the program and returns its output.
	exec     func(ctx context.Context, request []byte) ([]byte, error)
	runner   *runner
	inflight singleflight.Group
	cache    *responseCache
	log      *slog.Logger
}

func newProvider(spec credentialProvider, o Options, r *runner) (*provider, error) {
	cache, err := newResponseCache(o.Clock, spec.cacheDuration())
	if err != nil {
		return nil, err
	}
	p := &provider{
		name: spec.Name, apiVersion: spec.APIVersion, needsToken: spec.TokenAttributes != nil,
		runner: r, cache: cache, log: o.Log.With("provider", spec.Name),
	}
	for _, text := range spec.MatchImages {
		p.patterns = append(p.patterns, credentials.ParsePattern(text))
	}
	if p.needsToken {
		return p, nil
	}
	path, err := findExecutable(o.BinDir, spec.Name)
	if err != nil {
		return nil, err
	}
	environ := slices.Clone(o.Environ)
	for _, v := range spec.Env {
		environ = append(environ, v.Name+"="+v.Value)
	}
	p.exec = command{path: path, args: spec.Args, environ: environ, timeout: runTimeout, waitDelay: waitDelay}.run
	return p, nil
}

// findExecutable returns the path of a provider's program. The path is absolute, because exec.LookPath would otherwise
// search other directories if binDir is ".".
func findExecutable(binDir, name string) (string, error) {
	dir, err := filepath.Abs(binDir)
	if err != nil {
		return "", fmt.Errorf("finding the provider directory: %w", err)
	}
	path, err := exec.LookPath(filepath.Join(dir, name))
	if err != nil {
		return "", fmt.Errorf("%w: %q", errNoExecutable, name)
	}
	return path, nil
}

// isImageAllowed reports whether an entry of matchImages matches a repository.
func (p *provider) isImageAllowed(repository string) bool {
	return slices.ContainsFunc(p.patterns, func(pattern credentials.Pattern) bool { return pattern.Matches(repository) })
}

// provide returns the credentials for a repository, or the problem that keeps them unknown.
func (p *provider) provide(ctx context.Context, repository string) (credentials.Keyring, credentials.Problem) {
	problem := credentials.Problem{Subject: fmt.Sprintf("credential provider %q", p.name)}
	if p.needsToken {
		problem.Detail = "it needs a service account token, which Pullgate cannot create"
		return credentials.Keyring{}, problem
	}
	if keyring, ok := p.cache.get(repository); ok {
		return keyring, credentials.Problem{}
	}
	for {
		select {
		case <-ctx.Done():
			problem.Detail = "it did not respond in time"
			return credentials.Keyring{}, problem
		case result := <-p.inflight.DoChan(repository, func() (any, error) { return p.fetch(ctx, repository) }):
			if panicked, ok := errors.AsType[*parallel.PanicError](result.Err); ok {
				panic(panicked)
			}
			if errors.Is(result.Err, errNoSlot) && ctx.Err() == nil {
				// The context of another caller ended while it waited for a slot.
				continue
			}
			if keyring, ok := result.Val.(credentials.Keyring); ok && result.Err == nil {
				return keyring, credentials.Problem{}
			}
			problem.Detail = "it failed"
			return credentials.Keyring{}, problem
		}
	}
}

// fetch runs the program in a slot of the runner. The context bounds the wait for the slot only: a response that comes
// later is cached for the next caller. A panic is returned as an error, because singleflight would end the process.
func (p *provider) fetch(ctx context.Context, repository string) (keyring credentials.Keyring, err error) {
	if err := p.runner.acquire(ctx); err != nil {
		return credentials.Keyring{}, err
	}
	defer p.runner.release()
	if keyring, ok := p.cache.get(repository); ok {
		// Another call received a response for the whole registry while this one waited.
		return keyring, nil
	}
	if panicked := parallel.Recover(func() { keyring, err = p.run(repository) }); panicked != nil {
		err = panicked
	}
	if err != nil {
		p.log.ErrorContext(ctx, "a credential provider failed", "repository", repository, "error", err)
	}
	return keyring, err
}

// run runs the program and caches its response.
func (p *provider) run(repository string) (credentials.Keyring, error) {
	request, err := newRequest(p.apiVersion, repository)
	if err != nil {
		return credentials.Keyring{}, err
	}
	output, err := p.exec(p.runner.ctx, request)
	if err != nil {
		return credentials.Keyring{}, err
	}
	response, err := parseResponse(output, p.apiVersion)
	if err != nil {
		return credentials.Keyring{}, err
	}
	key, err := response.cacheKey(repository)
	if err != nil {
		return credentials.Keyring{}, err
	}
	keyring := credentials.NewKeyring(response.dockerConfig(credentials.PluginSource(p.name)))
	p.cache.put(key, keyring, response.CacheDuration)
	return keyring, nil
}
