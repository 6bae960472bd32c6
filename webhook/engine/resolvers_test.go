package engine

import (
	"bytes"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/utils/clock"

	"github.com/pullgate/pullgate/webhook/config"
)

// The last request of a check may start when the admission ends, and its verdict is for the cache.
func TestCheckOutlivesTheAdmissionByOneRequest(t *testing.T) {
	t.Parallel()
	c := config.Default()
	if got, want := resolveOptions(c, clock.RealClock{}).Timeout, c.Timeouts.Admission+c.Timeouts.Request; got != want {
		t.Errorf("a check may last %s, want %s", got, want)
	}
}

func TestAPIServers(t *testing.T) {
	t.Parallel()
	pod := []string{"KUBERNETES_SERVICE_HOST=fd00::1", "KUBERNETES_SERVICE_PORT=6443"}
	tests := map[string]struct {
		host    string
		environ []string
		want    []string
	}{
		"none":               {want: nil},
		"a URL":              {host: "https://10.96.0.1:6443", want: []string{"10.96.0.1:6443"}},
		"a URL with a path":  {host: "https://k8s.example/clusters/one", want: []string{"k8s.example"}},
		"a host":             {host: "k8s.example:6443", want: []string{"k8s.example:6443"}},
		"inside a pod":       {environ: pod, want: []string{"[fd00::1]:6443"}},
		"inside, by a URL":   {host: "https://k8s.example", environ: pod, want: []string{"k8s.example", "[fd00::1]:6443"}},
		"without a port":     {environ: []string{"KUBERNETES_SERVICE_HOST=10.96.0.1"}, want: []string{"10.96.0.1:443"}},
		"a URL with an user": {host: "https://alice:secret@k8s.example", want: []string{"k8s.example"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := apiServers(Options{APIServer: test.host, Environ: test.environ}); !slices.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestTheClientHasTheAPIServerAndTheLog(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	o := Options{
		APIServer: "https://10.96.0.1", Environ: []string{}, HidePrivateCauses: true,
		Log: slog.New(slog.NewTextHandler(&log, nil)),
	}
	got, err := registryOptions(config.Default(), o.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	got.LogPrivate("registry.example", "connection refused")
	if !slices.Equal(got.Egress.APIServers, []string{"10.96.0.1"}) || !strings.Contains(log.String(), `host=registry.example cause="connection refused"`) {
		t.Errorf("got API servers %v, log %s", got.Egress.APIServers, log.String())
	}
	o.HidePrivateCauses = false
	if got, err = registryOptions(config.Default(), o.withDefaults()); err != nil || got.LogPrivate != nil {
		t.Errorf("got error %v, and a log of causes that verdicts have", err)
	}
}

func TestARegistryThatIsBackIsUsedWithinThirtySeconds(t *testing.T) {
	t.Parallel()
	if got := resolveOptions(config.Default(), clock.RealClock{}).Backoff.MaxDelay; got > 30*time.Second {
		t.Errorf("the longest delay is %s by default, want at most 30s", got)
	}
}
