package main

import (
	"context"
	"fmt"
	"net/http"

	"github.com/pullgate/pullgate/test/registry"
)

// outage counts the requests to a failing registry while pods keep arriving, as controllers create them.
func (b *bench) outage(ctx context.Context) error {
	s, r, template, err := b.pullgateAndRegistry(ctx, 1)
	if err != nil {
		return err
	}
	defer s.stop()
	names, err := r.Fresh(b.plan.outageImages)
	if err != nil {
		return err
	}
	r.Fault(registry.Fault{Status: http.StatusServiceUnavailable})
	var pods [][]byte
	for _, image := range at(r.Host, names) {
		pods = append(pods, template.With(image))
	}
	l, err := b.rate(ctx, s, turn{scenario: "outage", arm: armPullgate}, b.plan.outageRate, b.plan.outageFor,
		func(i int) []byte { return pods[i%len(pods)] })
	if err != nil {
		return err
	}
	got := r.Count()
	seconds := b.plan.outageFor.Seconds()
	b.printf("%d pods of %d images in %.0f s: %s; responses p50 %.2f ms, p99 %.2f ms", len(l.All), len(names), seconds, got,
		millis(l.Percentile(50)), millis(l.Percentile(99)))
	const limit = 12
	b.results.requests(fmt.Sprintf("requests to a registry that fails for %.0f s, under %d pods/s", seconds, b.plan.outageRate),
		got.Total, limit)
	return nil
}
