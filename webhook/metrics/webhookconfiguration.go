package metrics

import "github.com/prometheus/client_golang/prometheus"

// WatchWebhookConfiguration registers a gauge that is 1 if the API server is configured to call Pullgate. It has no value until that is
// known.
func WatchWebhookConfiguration(registry prometheus.Registerer, read func() (present, known bool)) error {
	return register(registry, webhookConfiguration{
		description: prometheus.NewDesc("pullgate_webhook_configuration_present",
			"Whether the ValidatingWebhookConfiguration exists and calls Pullgate for pods (1) or not (0).", nil, nil),
		read: read,
	})
}

// webhookConfiguration is a collector. A prometheus.GaugeFunc always has a value.
type webhookConfiguration struct {
	description *prometheus.Desc
	read        func() (present, known bool)
}

// Describe implements prometheus.Collector.
func (c webhookConfiguration) Describe(all chan<- *prometheus.Desc) { all <- c.description }

// Collect implements prometheus.Collector.
func (c webhookConfiguration) Collect(all chan<- prometheus.Metric) {
	present, known := c.read()
	if !known {
		return
	}
	value := 0.0
	if present {
		value = 1
	}
	all <- prometheus.MustNewConstMetric(c.description, prometheus.GaugeValue, value)
}
