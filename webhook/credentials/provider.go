package credentials

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"golang.org/x/sync/singleflight"
)

// Why a provider was not run.
var (
	errNoTurn = errors.New("too many providers run already")
	errClosed = errors.New("pullgate is ending")
)

// provider is one program, and what it answered.
type provider struct {
	name       string
	apiVersion string
	patterns   []pattern
	// wantsToken marks a provider that the kubelet gives a token of the pod's service account. Pullgate has no right to
	// make one, and without it the answer would be another.
	wantsToken bool
	// run passes a request to the program and returns its answer.
	run     func(ctx context.Context, request []byte) ([]byte, error)
	host    *host
	flights singleflight.Group
	answers *answers
	log     *slog.Logger
}

func newProvider(spec providerSpec, o ProvidersOptions, h *host) (*provider, error) {
	remembered, err := newAnswers(o.Clock, spec.cacheDuration())
	if err != nil {
		return nil, err
	}
	p := &provider{
		name: spec.Name, apiVersion: spec.APIVersion, wantsToken: spec.TokenAttributes != nil,
		host: h, answers: remembered, log: o.Log.With("provider", spec.Name),
	}
	for _, text := range spec.MatchImages {
		p.patterns = append(p.patterns, newPattern(text))
	}
	if p.wantsToken {
		return p, nil
	}
	path, err := program(o.BinDir, spec.Name)
	if err != nil {
		return nil, err
	}
	environ := slices.Clone(o.Environ)
	for _, v := range spec.Env {
		environ = append(environ, v.Name+"="+v.Value)
	}
	p.run = command{path: path, args: spec.Args, environ: environ, timeout: runTimeout, wait: runWait}.run
	return p, nil
}

// ring returns what the provider has for a repository, or else what keeps Pullgate from knowing it.
func (p *provider) ring(ctx context.Context, repository string) (Keyring, Problem) {
	subject := fmt.Sprintf("credential provider %q", p.name)
	if p.wantsToken {
		return Keyring{}, Problem{Subject: subject, Detail: "it needs a service account token, which Pullgate can't make"}
	}
	if remembered, ok := p.answers.recall(repository); ok {
		return remembered, Problem{}
	}
	for {
		select {
		case <-ctx.Done():
			return Keyring{}, Problem{Subject: subject, Detail: "it did not answer in time"}
		case result := <-p.flights.DoChan(repository, func() (any, error) { return p.ask(ctx, repository) }):
			if errors.Is(result.Err, errNoTurn) && ctx.Err() == nil {
				// It was another caller's time that ended.
				continue
			}
			if ring, ok := result.Val.(Keyring); ok && result.Err == nil {
				return ring, Problem{}
			}
			return Keyring{}, Problem{Subject: subject, Detail: "it failed"}
		}
	}
}

// ask runs the program once it has its turn. The context bounds the wait for that, and no more: an answer that comes
// after it is worth remembering.
func (p *provider) ask(ctx context.Context, repository string) (Keyring, error) {
	select {
	case <-ctx.Done():
		return Keyring{}, errNoTurn
	case <-p.host.life.Done():
		return Keyring{}, errClosed
	case p.host.turns <- struct{}{}:
	}
	defer func() { <-p.host.turns }()
	if remembered, ok := p.answers.recall(repository); ok {
		// While this one waited, an answer for the whole registry came.
		return remembered, nil
	}
	ring, err := p.fetch(repository)
	if err != nil {
		p.log.ErrorContext(ctx, "a credential provider failed", "repository", repository, "error", err)
	}
	return ring, err
}

// fetch runs the program and remembers what it says.
func (p *provider) fetch(repository string) (Keyring, error) {
	request, err := newRequest(p.apiVersion, repository)
	if err != nil {
		return Keyring{}, err
	}
	output, err := p.run(p.host.life, request)
	if err != nil {
		return Keyring{}, err
	}
	response, err := parseResponse(output, p.apiVersion)
	if err != nil {
		return Keyring{}, err
	}
	key, err := response.cacheKey(repository)
	if err != nil {
		return Keyring{}, err
	}
	ring := newKeyring(response.entries(nodePrefix + "plugin/" + p.name))
	return p.answers.keep(key, ring, response.CacheDuration), nil
}
