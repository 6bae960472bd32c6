package replay

import (
	"context"
	"crypto/x509"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/pullgate/pullgate/test/clock"
	"github.com/pullgate/pullgate/test/truth"
	"github.com/pullgate/pullgate/webhook/credentials"
	"github.com/pullgate/pullgate/webhook/engine"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/nodes"
)

// TestWarmEqualsCold checks all scenarios in random order, each of them several times. Scenarios with the same configuration
// share an engine. Its caches must not matter: each verdict is the one of a new engine.
func TestWarmEqualsCold(t *testing.T) {
	t.Parallel()
	all, err := truth.Load(os.DirFS(scenarios))
	if err != nil {
		t.Fatal(err)
	}
	for name, group := range groups(t, slices.DeleteFunc(all, isStateful)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testWarm(t, group)
		})
	}
}

// isStateful reports whether a registry answers the same request differently after some time, requests or earlier pods. The second check of
// such a scenario is not the first one.
func isStateful(s *truth.Scenario) bool {
	return len(s.Earlier) > 0 || slices.ContainsFunc(s.Registries, func(r truth.Registry) bool {
		return len(r.Limits) > 0 || slices.ContainsFunc(r.Faults, func(f truth.Fault) bool { return f.Times > 0 })
	})
}

// groups returns the scenarios that share an engine, by the name of the first. They have the same configuration, and no name in
// common. A scenario with further files of its node, or with a file for all registries, is alone. So is one that waits, for the
// sake of time.
func groups(t *testing.T, all []*truth.Scenario) map[string][]*truth.Scenario {
	t.Helper()
	byKey, named := map[string][]*truth.Scenario{}, map[string][]*truth.Scenario{}
	for _, s := range all {
		data, err := truth.Profile{HostsDir: "certs.d"}.Config(s)
		if err != nil {
			t.Fatal(err)
		}
		key := fmt.Sprintf("%s %t", data, s.Pullgate.Trusts)
		if _, ok := s.Node.Hosts["_default"]; ok || s.Node.Config != nil || s.Node.Provider != nil || s.Hosting != "" || waits(s) {
			key = s.Name
		}
		for haveNameInCommon(byKey[key], s) {
			key += "+"
		}
		byKey[key] = append(byKey[key], s)
	}
	for _, group := range byKey {
		named[group[0].Name] = group
	}
	return named
}

// waits reports whether a registry of the scenario does not answer immediately.
func waits(s *truth.Scenario) bool {
	return strings.HasSuffix(s.Image, "hang.invalid/shop/web:1") || slices.ContainsFunc(s.Registries, func(r truth.Registry) bool {
		return slices.ContainsFunc(r.Faults, func(f truth.Fault) bool { return f.Hang || f.Delay.Duration > 0 })
	})
}

func haveNameInCommon(group []*truth.Scenario, s *truth.Scenario) bool {
	return slices.ContainsFunc(group, func(other *truth.Scenario) bool {
		return slices.ContainsFunc(other.Names(), func(name string) bool { return slices.Contains(s.Names(), name) })
	})
}

// warmSeed returns TRUTH_SEED, or another seed for each run.
func warmSeed(t *testing.T) uint64 {
	t.Helper()
	text := os.Getenv("TRUTH_SEED")
	if text == "" {
		return rand.Uint64()
	}
	seed, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return seed
}

// patience bounds a request. Some registries never answer.
const patience = time.Second

func testWarm(t *testing.T, group []*truth.Scenario) {
	t.Helper()
	hostsDir, roots, seed := t.TempDir(), x509.NewCertPool(), warmSeed(t)
	var replays []*replay
	cold := map[*replay]truth.Predicted{}
	for _, s := range group {
		r := newReplay(t, s)
		r.config.Timeouts.Request, r.config.Timeouts.Connect = patience, patience
		if _, err := r.fixture.WriteHosts(hostsDir); err != nil {
			t.Fatal(err)
		}
		if s.Pullgate.Trusts {
			roots.AppendCertsFromPEM(r.fixture.CA.PEM())
		}
		cold[r] = r.check(t, r.newEngine(t, clock.NewImpatient()))
		replays = append(replays, r)
	}
	var now current
	wall, cluster := clock.NewImpatient(), replays[0].cluster
	if cluster.Nodes != nil { // else the configuration turns them off
		cluster.Nodes = &now
	}
	c := configuration(t, group[0], hostsDir)
	c.Timeouts.Request, c.Timeouts.Connect = patience, patience
	e := newEngine(t, c, engine.Options{
		Credentials: &now, Cluster: cluster, DialContext: now.DialContext, RootCAs: roots, Clock: wall,
	})
	random := rand.New(rand.NewPCG(seed, 0))
	pauses := []time.Duration{0, 0, time.Second, 10 * time.Second, time.Minute, 5 * time.Minute}
	for round := range 2 {
		random.Shuffle(len(replays), func(i, j int) { replays[i], replays[j] = replays[j], replays[i] })
		for _, r := range replays {
			now.replay.Store(r)
			for again := range 2 {
				got := r.check(t, e)
				if got.Reason != cold[r].Reason || got.Outcome != cold[r].Outcome {
					t.Errorf("%s, round %d.%d, seed %d: got %s (%s), want %s (%s) as of a new engine\nrequests:\n%s", r.fixture.Scenario.Name,
						round, again, seed, got.Reason, got.Detail, cold[r].Reason, cold[r].Detail, r.fixture.Requests())
				}
				wall.Step(pauses[random.IntN(len(pauses))])
			}
		}
	}
}

// current passes an engine's requests to the scenario that it checks now.
type current struct{ replay atomic.Pointer[replay] }

func (c *current) Credentials(ctx context.Context, pod imagepull.Pod) credentials.Set {
	return c.replay.Load().secrets.Credentials(ctx, pod)
}

func (c *current) FreshCredentials(ctx context.Context, pod imagepull.Pod) credentials.Set {
	return c.replay.Load().secrets.FreshCredentials(ctx, pod)
}

func (c *current) Candidates(spec *corev1.PodSpec) nodes.Candidates {
	return c.replay.Load().cluster.Nodes.Candidates(spec)
}

func (c *current) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return c.replay.Load().site.DialContext(ctx, network, address)
}
