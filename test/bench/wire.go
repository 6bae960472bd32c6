package main

import (
	"context"
	"fmt"

	"github.com/pullgate/pullgate/test/bench/load"
	"github.com/pullgate/pullgate/test/bench/stage"
)

// wireStep is one question about one image, and how many requests it may cost.
type wireStep struct {
	what, image string
	most        int
}

// wire counts the requests that single pods cost, one after the other.
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
	if err := r.PushIndexOf("shop/web:index"); err != nil {
		return err
	}
	for _, step := range []wireStep{
		{"a private image of a new registry", "shop/web:1", 3},
		{"another tag of the repository", "shop/web:2", 1},
		{"the same image again", "shop/web:2", 0},
		{"a new index", "shop/web:index", 2},
		{"the same index again", "shop/web:index", 0},
	} {
		got, err := requestsFor(ctx, s, r, template.With(r.Host+"/"+step.image))
		if err != nil {
			return err
		}
		b.say("%s: %s", step.what, got)
		b.results.requests("requests for "+step.what, got.Total, step.most)
	}
	return nil
}

// requestsFor counts those that one pod costs.
func requestsFor(ctx context.Context, s *server, r *stage.Registry, review []byte) (stage.Requests, error) {
	r.ResetRequests()
	err := s.expectClean(ctx, review)
	return r.Count(), err
}

// burst asks for the pods of a large Deployment at once.
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
	// The registry is known by now; the image is not.
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
	b.say("%d pods: %s; all answered after %.2f s, %d refused, %d in doubt", b.plan.pods, got, served.Elapsed.Seconds(),
		served.Refused, served.Warned)
	b.results.figure("burst, seconds until all are answered", served.Elapsed.Seconds(), "s")
	b.results.add(bar{
		what:     fmt.Sprintf("requests for %d pods of one image at once", b.plan.pods),
		measured: got.String(), goal: "1 HEAD, 1 token",
		met: got.Heads <= 1 && got.Tokens <= 1 && got.Gets == 0 && served.Refused == 0 && served.Warned == 0,
	})
	return nil
}
