package metrics

import (
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
)

// RegisterBuild registers the metric with the version of the program and the revision of its source.
func RegisterBuild(registry prometheus.Registerer, version, revision string) error {
	info := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "pullgate_build_info",
		Help: "1, with the version of Pullgate, the version of Go and the revision of the source in its labels.",
	}, []string{"version", "goversion", "revision"})
	info.WithLabelValues(version, runtime.Version(), revision).Set(1)
	return register(registry, info)
}
