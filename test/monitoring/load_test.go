//go:build monitoring

package monitoring

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/policy"
)

const (
	// images is the number of images that exist.
	images = 20
	// clients create pods at the same time, one each after the other, with a pause between them.
	clients = 4
	pause   = 50 * time.Millisecond
	// longestPhase bounds a phase on a busy machine.
	longestPhase = 2 * time.Minute
)

// phases returns the phases of the load. In each, something fails while the clients create pods.
func (e *environment) phases() []struct {
	name       string
	begin, end func(t *testing.T)
} {
	var lift func()
	nothing := func(*testing.T) {}
	return []struct {
		name       string
		begin, end func(t *testing.T)
	}{
		{"all works", nothing, nothing},
		{
			"the registry is slow",
			func(*testing.T) { lift = e.registry.Fault(registry.Fault{Delay: 300 * time.Millisecond}) },
			func(*testing.T) { lift() },
		},
		{
			"the registry limits the rate of requests",
			func(*testing.T) { lift = e.registry.Limit(registry.Limit{Requests: 1, Per: 5 * time.Second}) },
			func(*testing.T) { lift() },
		},
		{
			"the registry is down",
			func(*testing.T) { e.registry.Stop() },
			func(t *testing.T) {
				if err := e.registry.Restart(); err != nil {
					t.Fatal(err)
				}
			},
		},
		{"all works again", nothing, nothing},
		{
			"Pullgate is down",
			func(*testing.T) { e.pullgate.Stop(stopGrace) },
			e.startPullgate,
		},
		{"Pullgate is back", nothing, nothing},
	}
}

// load creates pods during all phases. A phase takes some seconds at least, and ends when it is visible.
func (e *environment) load(t *testing.T, least time.Duration, isVisible func(ctx context.Context, since time.Time) bool) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	for client := range clients {
		running.Go(func() {
			for round := client; ctx.Err() == nil; round += clients {
				e.createOne(ctx, round)
				wait(ctx, pause)
			}
		})
	}
	running.Go(func() {
		for ctx.Err() == nil {
			e.callFromOutside(ctx)
			wait(ctx, 2*time.Second)
		}
	})
	for _, p := range e.phases() {
		start := time.Now()
		p.begin(t)
		wait(ctx, least)
		for !isVisible(ctx, start) && ctx.Err() == nil && time.Since(start) < longestPhase {
			wait(ctx, time.Second)
		}
		p.end(t)
		t.Logf("%s: %.0f s", p.name, time.Since(start).Seconds())
	}
	cancel()
	running.Wait()
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// createOne creates one pod of a mix: most images exist.
func (e *environment) createOne(ctx context.Context, round int) {
	good := fmt.Sprintf("%s/shop/web:%d", e.host, round%images)
	switch round % 10 {
	case 0:
		e.create(ctx, policy.ModeEnforce, fmt.Sprintf("%s/shop/web:missing-%d", e.host, round%100), "all")
	case 1:
		e.create(ctx, policy.ModeWarn, fmt.Sprintf("%s/vault/ledger:%d", e.host, round%100), "all")
	case 2:
		e.create(ctx, policy.ModeAudit, good, "all")
	case 3:
		e.create(ctx, policy.ModeEnforce, e.host+"/shop/edge:1", "all")
	case 4:
		e.create(ctx, policy.ModeEnforce, fmt.Sprintf("%s/shop/web:missing-%d", e.host, round%100), "truncated")
	default:
		e.create(ctx, policy.ModeEnforce, good, "all")
	}
}

// create creates a pod in a dry run, which stores nothing, and returns the status code.
func (e *environment) create(ctx context.Context, namespace policy.Mode, image, node string) int {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "web-"},
		Spec: corev1.PodSpec{
			NodeSelector:                 map[string]string{"images": node},
			AutomountServiceAccountToken: new(bool),
			Containers:                   []corev1.Container{{Name: "web", Image: image}},
		},
	}
	_, err := e.clientset.CoreV1().Pods(string(namespace)).Create(ctx, pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	if err == nil {
		return http.StatusCreated
	}
	var status apierrors.APIStatus
	if errors.As(err, &status) {
		return int(status.Status().Code)
	}
	return 0
}

// callFromOutside sends what an API server does not send: a request that is not a review, and a connection without TLS. It also sends a
// review that does not agree with its object, which is admitted unchecked.
func (e *environment) callFromOutside(ctx context.Context) {
	client := &http.Client{Timeout: time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true,
	}}
	for _, body := range []string{
		"{}",
		`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"1","operation":"CREATE","namespace":"enforce",` +
			`"kind":{"version":"v1","kind":"Pod"},"resource":{"version":"v1","resource":"pods"},"object":{"apiVersion":"v1","kind":"Secret"}}}`,
	} {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+e.webhook+"/validate", strings.NewReader(body))
		if err != nil {
			return
		}
		req.Header.Set("Content-Type", "application/json")
		if resp, err := client.Do(req); err == nil {
			_ = resp.Body.Close()
		}
	}
	if conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", e.webhook); err == nil {
		_, _ = fmt.Fprint(conn, "GET / HTTP/1.1\r\n\r\n")
		_ = conn.Close()
	}
}
