package metrics

import "github.com/prometheus/client_golang/prometheus"

// NodeImages counts the nodes by their list of images. A node reports all of its images, the largest ones, or none yet.
type NodeImages struct{ All, Truncated, None int }

// WatchNodes registers gauges with the number of nodes.
func WatchNodes(registry prometheus.Registerer, count func() NodeImages) error {
	nodes := func(images string, read func(NodeImages) int) prometheus.Collector {
		return gauge("pullgate_nodes", "Nodes by the images that they report (all, truncated, none).",
			prometheus.Labels{"images": images}, func() int { return read(count()) })
	}
	return register(registry,
		nodes("all", func(n NodeImages) int { return n.All }),
		nodes("truncated", func(n NodeImages) int { return n.Truncated }),
		nodes("none", func(n NodeImages) int { return n.None }),
	)
}

// Memory is the memory that reviews share.
type Memory struct {
	// Used returns the part that is in use.
	Used  func() int64
	Limit int64
}

// WatchReviews registers gauges for the memory of bodies and of decoding.
func WatchReviews(registry prometheus.Registerer, bodies, decoding Memory) error {
	var all []prometheus.Collector
	for use, memory := range map[string]Memory{"body": bodies, "decoding": decoding} {
		labels := prometheus.Labels{"use": use}
		all = append(all,
			gauge("pullgate_inflight_review_bytes", "Memory of the reviews in progress, by use: their bodies (body), and what decoding "+
				"takes by estimate (decoding).", labels, memory.Used),
			gauge("pullgate_inflight_review_limit_bytes", "Bound on pullgate_inflight_review_bytes. A review beyond it waits.", labels,
				func() int64 { return memory.Limit }),
		)
	}
	return register(registry, all...)
}

// gauge returns a gauge with constant labels that reads its value.
func gauge[N int | int64](name, help string, labels prometheus.Labels, read func() N) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: labels},
		func() float64 { return float64(read()) })
}
