package main

import (
	"context"
	"fmt"

	"github.com/pullgate/pullgate/test/bench/load"
	"github.com/pullgate/pullgate/test/bench/stage"
)

const (
	// tagsPerRepository makes a registry of many references look like one: a token is good for all tags of a repository.
	tagsPerRepository = 100

	// floodContainers is about as many images as Pullgate looks at in one pod.
	floodContainers = 60

	mebibyte = 1 << 20
)

// many asks for many references, twice, and then for ever more that don't exist: what somebody would do who wanted to fill the
// memory, which no one has to push an image for.
func (b *bench) many(ctx context.Context) error {
	s, r, template, err := b.pullgateAndRegistry(ctx, containers)
	if err != nil {
		return err
	}
	defer s.stop()
	images, err := pushMany(r, b.plan.references)
	if err != nil {
		return err
	}
	for _, pass := range []string{"asked for", "asked for again"} {
		if err := b.pass(ctx, s, r, pass, template, images); err != nil {
			return err
		}
	}
	if err := b.memory(s, fmt.Sprintf("resident memory with %d references", len(images)), 64*mebibyte, false); err != nil {
		return err
	}
	return b.flood(ctx, s, r)
}

// pushMany pushes images, and returns their references.
func pushMany(r *stage.Registry, n int) ([]string, error) {
	var names []string
	for i := range n {
		name := fmt.Sprintf("team/service-%d:1.%d", i/tagsPerRepository, i%tagsPerRepository)
		if err := r.Push(name); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return at(r.Host, names), nil
}

// pass asks for each image once.
func (b *bench) pass(
	ctx context.Context, s *server, r *stage.Registry, what string, template load.Template, images []string,
) error {
	r.ResetRequests()
	pods := (len(images) + containers - 1) / containers
	served, err := s.target.Each(ctx, b.plan.conns, pods, func(i int) []byte {
		first := i * containers
		return template.With(images[first:min(first+containers, len(images))]...)
	})
	if err != nil {
		return err
	}
	if served.Refused > 0 {
		return fmt.Errorf("%s refuses %d of %d pods", s.name, served.Refused, pods)
	}
	got := r.Count()
	b.say("%d references %s: %s, %.1f s, %d pods in doubt", len(images), what, got, served.Elapsed.Seconds(), served.Warned)
	b.results.figure(fmt.Sprintf("requests for %d references %s", len(images), what), float64(got.Total), "")
	return nil
}

// flood asks for references that don't exist, each but once.
func (b *bench) flood(ctx context.Context, s *server, r *stage.Registry) error {
	template, err := b.template(ctx, floodContainers, r.Host)
	if err != nil {
		return err
	}
	served, err := s.target.For(ctx, b.plan.conns, b.plan.floodFor, func(i int) []byte {
		if i%100 == 0 {
			// What the registry remembers of it is of no interest.
			r.ResetRequests()
			s.ForgetLog()
		}
		var images []string
		for c := range floodContainers {
			images = append(images, fmt.Sprintf("%s/flood/service-%d:%d", r.Host, i, c))
		}
		return template.With(images...)
	})
	if err != nil {
		return err
	}
	b.say("a flood of %d references, %.0f/s", served.Requests*floodContainers, served.PerSecond()*floodContainers)
	return b.memory(s, "resident memory at its height, under a flood of references", 128*mebibyte, true)
}

// memory notes how much of the process is resident, now or at its height.
func (b *bench) memory(s *server, what string, most int64, peak bool) error {
	now, height, err := s.Memory()
	if err != nil {
		return err
	}
	used := now
	if peak {
		used = height
	}
	b.say("resident: %.1f MiB, at its height %.1f MiB", float64(now)/mebibyte, float64(height)/mebibyte)
	b.results.add(bar{
		what: what, measured: fmt.Sprintf("%.1f MiB", float64(used)/mebibyte), goal: fmt.Sprintf("≤ %d MiB", most/mebibyte),
		met: used <= most,
	})
	return nil
}
