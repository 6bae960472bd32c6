package monitoring

import (
	"fmt"
	"os"

	"sigs.k8s.io/yaml"
)

// prometheusRule holds the fields in use of a PrometheusRule. Any other field is an error.
type prometheusRule struct {
	APIVersion string         `json:"apiVersion"`
	Kind       string         `json:"kind"`
	Metadata   map[string]any `json:"metadata"`
	// Spec is the content of a rule file of Prometheus.
	Spec struct {
		Groups []struct {
			Name  string  `json:"name"`
			Rules []alert `json:"rules"`
		} `json:"groups"`
	} `json:"spec"`
}

type alert struct {
	Alert       string            `json:"alert"`
	Expr        string            `json:"expr"`
	For         string            `json:"for"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

func readRule(file string) (prometheusRule, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return prometheusRule{}, err
	}
	var r prometheusRule
	if err := yaml.UnmarshalStrict(data, &r); err != nil {
		return prometheusRule{}, fmt.Errorf("%s: %w", file, err)
	}
	return r, nil
}

// alerts returns the alerts of all groups.
func (r prometheusRule) alerts() []alert {
	var all []alert
	for _, g := range r.Spec.Groups {
		all = append(all, g.Rules...)
	}
	return all
}
