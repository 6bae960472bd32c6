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
	// patience is for what takes a second or two, on a machine that is busy.
	patience = 60 * time.Second
	// stopGrace is short: nobody waits for an answer any more.
	stopGrace = 3 * time.Second
)

// Program is one that serves a webhook, with the flags of "pullgate serve".
type Program struct {
	Path string
	Args []string
}

// Process is a program that runs on the cores of what is measured.
type Process struct {
	// Addr is where it serves its webhook.
	Addr            string
	health, metrics string
	log             *os.File
	cmd             *exec.Cmd
	done            chan struct{}
}

// Start starts the program, and returns when it is ready. It ends with the stage, if it isn't stopped before.
func (s *Stage) Start(ctx context.Context, program Program) (*Process, error) {
	addresses, err := freeAddresses(3)
	if err != nil {
		return nil, err
	}
	p := &Process{Addr: addresses[0], health: addresses[1], metrics: addresses[2], done: make(chan struct{})}
	_, port, _ := net.SplitHostPort(p.Addr)
	args := append(slices.Clone(program.Args), "--kubeconfig="+s.kubeconfig, "--cert-dir="+s.certDir, "--webhook-port="+port,
		"--health-probe-bind-address="+p.health, "--metrics-bind-address="+p.metrics)
	// Appending, so that what a log holds can be thrown away under way.
	if p.log, err = os.OpenFile(filepath.Join(s.dir, port+".log"), os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600); err != nil {
		return nil, err
	}
	p.cmd = exec.Command(program.Path, args...)
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	p.cmd.Env = append(os.Environ(), "SSL_CERT_FILE="+s.caFile)
	// The interrupt from the terminal is for the benchmark alone, which ends its children.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := s.cores.start(p.cmd); err != nil {
		return nil, fmt.Errorf("starting %s: %w", program.Path, err)
	}
	go func() {
		defer close(p.done)
		// How it ended is in the process state.
		_ = p.cmd.Wait()
	}()
	s.OnClear(p.Stop)
	return p, p.awaitReady(ctx)
}

// Stop asks the process to end and waits; after the grace period it is not asked any more.
func (p *Process) Stop() {
	// The error of a process that has ended already is no news.
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	timer := time.AfterFunc(stopGrace, func() { _ = p.cmd.Process.Kill() })
	defer timer.Stop()
	<-p.done
	_ = p.log.Close()
}

// ForgetLog throws away what the process has logged so far. Millions of decisions would fill a disk.
func (p *Process) ForgetLog() { _ = p.log.Truncate(0) }

func (p *Process) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w\n%s", p.cmd.Path, ctx.Err(), p.lastWords())
		case <-p.done:
			return fmt.Errorf("%s ended early: %s\n%s", p.cmd.Path, p.cmd.ProcessState, p.lastWords())
		case <-time.After(50 * time.Millisecond):
		}
		body, err := get(ctx, "http://"+p.health+"/readyz")
		if err == nil {
			return body.Close()
		}
	}
}

func (p *Process) lastWords() string {
	const most = 4 << 10
	info, err := p.log.Stat()
	if err != nil {
		return ""
	}
	text := make([]byte, min(info.Size(), most))
	n, _ := p.log.ReadAt(text, info.Size()-int64(len(text)))
	return string(text[:n])
}

// get asks one of the process's plain endpoints.
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
		return nil, errors.Join(fmt.Errorf("%s answers %s", url, resp.Status), resp.Body.Close())
	}
	return resp.Body, nil
}

// Metric reads one metric without labels.
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
	return 0, fmt.Errorf("there is no metric %s", name)
}

// freeAddresses returns that many addresses that nothing listened on a moment ago.
func freeAddresses(n int) ([]string, error) {
	var addresses []string
	for range n {
		// All are held until the last is found, so that no two are the same.
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer listener.Close()
		addresses = append(addresses, listener.Addr().String())
	}
	return addresses, nil
}
