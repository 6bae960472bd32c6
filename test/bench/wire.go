package main

import (
	"context"
	"fmt"

	"github.com/pullgate/pullgate/test/bench/load"
	"github.com/pullgate/pullgate/test/bench/stage"
)

// wireStep is a pod with one image, and the limit of the requests for it.
type wireStep struct {
	name, image string
	limit       int
}

// wire counts the requests of single pods, one after the other.
func (b *bench) wire(ctx context.Context) error {
	s, r, template, err := b.pullgateAndRegistry(ctx, 1)
	if err != nil {
		return err
	}
	defer s.stop()
	for _, name := range []string{"shop/web:1", "shop/web:2"} {
		if err := r.Push(name); err != nil {
			return err
		}
	}
	for _, name := range []string{"shop/web:index", "shop/multi:1"} {
		if err := r.PushIndexOf(name); err != nil {
			return err
		}
	}
	for _, step := range []wireStep{
		{"a private image of a new registry", "shop/web:1", 3},
		{"another tag of the repository", "shop/web:2", 1},
		{"the same image again", "shop/web:2", 0},
		{"a new index", "shop/web:index", 3},
		{"the same index again", "shop/web:index", 0},
		{"a private index of a new repository", "shop/multi:1", 5},
	} {
		got, err := requestsFor(ctx, s, r, template.With(r.Host+"/"+step.image))
		if err != nil {
			return err
		}
		b.printf("%s: %s", step.name, got)
		b.results.requests("requests for "+step.name, got.Total, step.limit)
	}
	return nil
}

// requestsFor returns the numbers of requests that one pod causes.
func requestsFor(ctx context.Context, s *server, r *stage.Registry, review []byte) (stage.Requests, error) {
	r.ResetRequests()
	err := s.expectClean(ctx, review)
	return r.Count(), err
}

// burst sends the pods of a large Deployment concurrently.
func (b *bench) burst(ctx context.Context) error {
	s, err := b.startPullgate(ctx)
	if err != nil {
		return err
	}
	defer s.stop()
	r, err := b.StartRegistry(nearby)
	if err != nil {
		return err
	}
	template, err := b.template(ctx, 1, r.Host)
	if err != nil {
		return err
	}
	// The registry is known after the first pod, but the repository of the second image is not: a challenge is for one repository.
	names, err := r.Fresh(2)
	if err != nil {
		return err
	}
	if err := s.expectClean(ctx, template.With(r.Host+"/"+names[0])); err != nil {
		return err
	}
	r.ResetRequests()
	served, err := s.target.Each(ctx, b.plan.pods, b.plan.pods, load.Always(template.With(r.Host+"/"+names[1])))
	if err != nil {
		return err
	}
	got := r.Count()
	b.printf("%d pods: %s; all responses after %.2f s, %d denied, %d with warnings", b.plan.pods, got, served.Elapsed.Seconds(),
		served.Denied, served.Warned)
	b.results.figure("burst, seconds until the last response", served.Elapsed.Seconds(), "s")
	b.results.add(bar{
		name:     fmt.Sprintf("requests for %d concurrent pods of one image", b.plan.pods),
		measured: got.String(), goal: "2 HEAD, 1 token",
		met: got.Heads <= 2 && got.Tokens <= 1 && got.Gets == 0 && served.Denied == 0 && served.Warned == 0,
	})
	return nil
}
