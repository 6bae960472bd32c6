package stage

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pullgate/pullgate/test/process"
)

const (
	// patience is the time limit for starting a program, which takes a second or two on an idle machine.
	patience = 60 * time.Second
	// stopGrace is short, because no client waits for a response.
	stopGrace = 3 * time.Second
)

// Program is a program that serves a webhook, with the flags of "pullgate serve".
type Program struct {
	Path string
	Args []string
}

// Process is a running program on the cores of the measured programs.
type Process struct {
	*process.Process
	// Addr is the address of its webhook.
	Addr         string
	metrics, log string
}

// Start starts the program and returns when it is ready. Clear stops it at the latest.
func (s *Stage) Start(ctx context.Context, program Program) (*Process, error) {
	ports, err := process.FreePorts(3)
	if err != nil {
		return nil, err
	}
	address := func(i int) string { return fmt.Sprintf("127.0.0.1:%d", ports[i]) }
	health := address(1)
	p := &Process{Addr: address(0), metrics: address(2), log: filepath.Join(s.dir, fmt.Sprintf("%d.log", ports[0]))}
	// The log is opened for appending, so that TruncateLog works while the program runs.
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command(program.Path, append(slices.Clone(program.Args), "--kubeconfig="+s.kubeconfig, "--cert-dir="+s.certDir,
		fmt.Sprintf("--webhook-port=%d", ports[0]), "--health-probe-bind-address="+health, "--metrics-bind-address="+p.metrics)...)
	cmd.Env = append(os.Environ(), "SSL_CERT_FILE="+s.caFile)
	// An interrupt from the terminal must reach only the benchmark, which stops its children.
	p.Process, err = process.Start(cmd, process.Options{Output: log, OwnGroup: true, Start: s.cores.start})
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", program.Path, err)
	}
	s.OnClear(p.Stop)
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return p, p.AwaitReady(ctx, "http://"+health+"/readyz")
}

// Stop sends SIGTERM, then SIGKILL after the grace period, and waits for the end of the process.
func (p *Process) Stop() { p.Process.Stop(stopGrace) }

// TruncateLog deletes the log so far. Millions of decisions would fill a disk.
func (p *Process) TruncateLog() { _ = os.Truncate(p.log, 0) }

// Metric returns the value of a metric without labels.
func (p *Process) Metric(ctx context.Context, name string) (float64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.metrics+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("reading metric %s: status %s", name, resp.Status)
	}
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		if value, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			return strconv.ParseFloat(value, 64)
		}
	}
	return 0, fmt.Errorf("metric %s is missing", name)
}
