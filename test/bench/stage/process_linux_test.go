package stage

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// itself is the test's own process.
func itself(t *testing.T) *Process {
	t.Helper()
	process, err := os.FindProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	return &Process{cmd: &exec.Cmd{Process: process}}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	p := itself(t)
	now, peak, err := p.Memory()
	if err != nil || now < 1<<20 || peak < now {
		t.Errorf("Memory() = %d, %d, %v; want a mebibyte or more, and no less at its height", now, peak, err)
	}
	if used, err := p.CPU(); err != nil || used < 0 {
		t.Errorf("CPU() = %v, %v", used, err)
	}
}

func TestMetric(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("# HELP allocations of all kinds\nallocations_total 9\nallocations 1.5e+06\n"))
	}))
	defer server.Close()
	p := itself(t)
	p.metrics = strings.TrimPrefix(server.URL, "http://")
	if got, err := p.Metric(t.Context(), "allocations"); err != nil || got != 1.5e6 {
		t.Errorf("Metric() = %v, %v; want 1500000", got, err)
	}
	if _, err := p.Metric(context.Background(), "others"); err == nil {
		t.Error("Metric() error = nil for one that is missing, want one")
	}
}

// TestSplitCores wants each core in one half, if there are two.
func TestSplitCores(t *testing.T) {
	t.Parallel()
	c, err := splitCores()
	if err != nil {
		t.Fatal(err)
	}
	if c.served.Count() == 0 || c.rest.Count() < c.served.Count() {
		t.Errorf("got %d cores for what is measured and %d for the rest", c.served.Count(), c.rest.Count())
	}
	for core := range 1024 {
		if c.served.IsSet(core) && c.rest.IsSet(core) && c.served.Count() > 1 {
			t.Errorf("core %d is in both halves", core)
		}
	}
}
