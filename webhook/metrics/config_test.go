package metrics_test

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/pullgate/pullgate/webhook/metrics"
)

func TestReloadsHaveTheHashOfTheConfigurationInUse(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewPedanticRegistry()
	r, err := metrics.NewReloads(registry, "first")
	if err != nil {
		t.Fatal(err)
	}
	want := func(step, hash, successful, successes, failures string) {
		t.Log(step)
		wantSeries(t, registry, `
# HELP pullgate_config_info Always 1, with the hash of the configuration in use: the first 12 digits of its SHA-256.
# TYPE pullgate_config_info gauge
pullgate_config_info{hash="`+hash+`"} 1
# HELP pullgate_config_last_reload_successful Whether the configuration file is in use (1), or was refused (0).
# TYPE pullgate_config_last_reload_successful gauge
pullgate_config_last_reload_successful `+successful+`
# HELP pullgate_config_reloads_total Changes of the configuration file, by result (success, failure). After a failure the former configuration stays in use.
# TYPE pullgate_config_reloads_total counter
pullgate_config_reloads_total{result="failure"} `+failures+`
pullgate_config_reloads_total{result="success"} `+successes+`
`)
	}
	want("at start", "first", "1", "0", "0")
	r.Accepted("second")
	want("a change", "second", "1", "1", "0")
	r.Refused()
	want("a refused change", "second", "0", "1", "1")
	r.Accepted("third")
	want("a corrected change", "third", "1", "2", "1")
	if problems, err := testutil.GatherAndLint(registry); err != nil || len(problems) > 0 {
		t.Errorf("lint = %v, %v, want no problems", problems, err)
	}
}

func TestWebhookConfigurationIsExportedOnceItIsKnown(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewPedanticRegistry()
	present, known := false, false
	if err := metrics.WatchWebhookConfiguration(registry, func() (bool, bool) { return present, known }); err != nil {
		t.Fatal(err)
	}
	if n, err := testutil.GatherAndCount(registry); err != nil || n != 0 {
		t.Errorf("got %d series, %v, want none before the first read", n, err)
	}
	series := `
# HELP pullgate_webhook_configuration_present Whether the ValidatingWebhookConfiguration exists and calls Pullgate for pods (1) or not (0).
# TYPE pullgate_webhook_configuration_present gauge
pullgate_webhook_configuration_present `
	known = true
	wantSeries(t, registry, series+"0\n")
	present = true
	wantSeries(t, registry, series+"1\n")
	if problems, err := testutil.GatherAndLint(registry); err != nil || len(problems) > 0 {
		t.Errorf("lint = %v, %v, want no problems", problems, err)
	}
}
