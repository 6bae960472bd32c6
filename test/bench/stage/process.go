package stage

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
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
	// Addr is the address of its webhook.
	Addr            string
	health, metrics string
	log             *os.File
	cmd             *exec.Cmd
	done            chan struct{}
}

// Start starts the program and returns when it is ready. Clear stops it at the latest.
func (s *Stage) Start(ctx context.Context, program Program) (*Process, error) {
	addresses, err := freeAddresses(3)
	if err != nil {
		return nil, err
	}
	p := &Process{Addr: addresses[0], health: addresses[1], metrics: addresses[2], done: make(chan struct{})}
	_, port, _ := net.SplitHostPort(p.Addr)
	args := append(slices.Clone(program.Args), "--kubeconfig="+s.kubeconfig, "--cert-dir="+s.certDir, "--webhook-port="+port,
		"--health-probe-bind-address="+p.health, "--metrics-bind-address="+p.metrics)
	// The log is opened for appending, so that TruncateLog works while the program runs.
	if p.log, err = os.OpenFile(filepath.Join(s.dir, port+".log"), os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600); err != nil {
		return nil, err
	}
	p.cmd = exec.Command(program.Path, args...)
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	p.cmd.Env = append(os.Environ(), "SSL_CERT_FILE="+s.caFile)
	// An interrupt from the terminal must reach only the benchmark, which stops its children.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := s.cores.start(p.cmd); err != nil {
		return nil, fmt.Errorf("starting %s: %w", program.Path, err)
	}
	go func() {
		defer close(p.done)
		// The process state has the exit status.
		_ = p.cmd.Wait()
	}()
	s.OnClear(p.Stop)
	return p, p.awaitReady(ctx)
}

// Stop sends SIGTERM and waits. After the grace period it kills the process.
func (p *Process) Stop() {
	// A process that has exited cannot be signalled, so the error is ignored.
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	timer := time.AfterFunc(stopGrace, func() { _ = p.cmd.Process.Kill() })
	defer timer.Stop()
	<-p.done
	_ = p.log.Close()
}

// TruncateLog deletes the log so far. Millions of decisions would fill a disk.
func (p *Process) TruncateLog() { _ = p.log.Truncate(0) }

func (p *Process) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w\n%s", p.cmd.Path, ctx.Err(), p.lastOutput())
		case <-p.done:
			return fmt.Errorf("%s ended early: %s\n%s", p.cmd.Path, p.cmd.ProcessState, p.lastOutput())
		case <-time.After(50 * time.Millisecond):
		}
		body, err := get(ctx, "http://"+p.health+"/readyz")
		if err == nil {
			return body.Close()
		}
	}
}

func (p *Process) lastOutput() string {
	const most = 4 << 10
	info, err := p.log.Stat()
	if err != nil {
		return ""
	}
	text := make([]byte, min(info.Size(), most))
	n, _ := p.log.ReadAt(text, info.Size()-int64(len(text)))
	return string(text[:n])
}

// get sends a GET request to an HTTP endpoint of the process.
func get(ctx context.Context, url string) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, errors.Join(fmt.Errorf("%s returned %s", url, resp.Status), resp.Body.Close())
	}
	return resp.Body, nil
}

// Metric returns the value of a metric without labels.
func (p *Process) Metric(ctx context.Context, name string) (float64, error) {
	body, err := get(ctx, "http://"+p.metrics+"/metrics")
	if err != nil {
		return 0, err
	}
	defer body.Close()
	lines := bufio.NewScanner(body)
	for lines.Scan() {
		if value, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			return strconv.ParseFloat(value, 64)
		}
	}
	return 0, fmt.Errorf("metric %s is missing", name)
}

// freeAddresses returns n free addresses.
func freeAddresses(n int) ([]string, error) {
	var addresses []string
	for range n {
		// All listeners stay open until the end, so that no two addresses are the same.
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer listener.Close()
		addresses = append(addresses, listener.Addr().String())
	}
	return addresses, nil
}
