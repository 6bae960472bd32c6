package main

import (
	"context"
	"fmt"

	"github.com/pullgate/pullgate/test/bench/load"
	"github.com/pullgate/pullgate/test/bench/stage"
)

const (
	// tagsPerRepository is high, so that a registry with many references needs few tokens: a token is valid for all
	// tags of a repository.
	tagsPerRepository = 100

	// floodContainers is close to the number of images that Pullgate checks in one pod.
	floodContainers = 60

	mebibyte = 1 << 20
)

// many sends pods with many references, twice. Then it sends references that do not exist. An attacker who wants to
// fill the memory needs no pushed image for that.
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
	for _, pass := range []string{"first pass", "second pass"} {
		if err := b.pass(ctx, s, r, pass, template, images); err != nil {
			return err
		}
	}
	if err := b.memory(s, fmt.Sprintf("resident memory with %d references", len(images)), 64*mebibyte, false); err != nil {
		return err
	}
	return b.flood(ctx, s, r)
}

// pushMany pushes images and returns their references.
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

// pass sends each image once.
func (b *bench) pass(
	ctx context.Context, s *server, r *stage.Registry, pass string, template load.Template, images []string,
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
	if served.Denied > 0 {
		return fmt.Errorf("%s denies %d of %d pods", s.name, served.Denied, pods)
	}
	got := r.Count()
	b.printf("%d references, %s: %s, %.1f s, %d pods with warnings", len(images), pass, got, served.Elapsed.Seconds(), served.Warned)
	b.results.figure(fmt.Sprintf("requests for %d references (%s)", len(images), pass), float64(got.Total), "")
	return nil
}

// flood sends references that do not exist, each once.
func (b *bench) flood(ctx context.Context, s *server, r *stage.Registry) error {
	template, err := b.template(ctx, floodContainers, r.Host)
	if err != nil {
		return err
	}
	served, err := s.target.For(ctx, b.plan.conns, b.plan.floodFor, func(i int) []byte {
		if i%100 == 0 {
			// The recorded requests and the log would fill memory and disk.
			r.ResetRequests()
			s.TruncateLog()
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
	b.printf("flood of %d references, %.0f/s", served.Requests*floodContainers, served.PerSecond()*floodContainers)
	return b.memory(s, "peak resident memory under a flood of references", 128*mebibyte, true)
}

// memory records the resident memory of the process, the current or the peak value.
func (b *bench) memory(s *server, name string, limit int64, peak bool) error {
	now, highest, err := s.Memory()
	if err != nil {
		return err
	}
	used := now
	if peak {
		used = highest
	}
	b.printf("resident: %.1f MiB, peak %.1f MiB", float64(now)/mebibyte, float64(highest)/mebibyte)
	b.results.add(bar{
		name: name, measured: fmt.Sprintf("%.1f MiB", float64(used)/mebibyte), goal: fmt.Sprintf("≤ %d MiB", limit/mebibyte),
		met: used <= limit,
	})
	return nil
}
