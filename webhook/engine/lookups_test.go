package engine

import (
	"context"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/config"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/nodes"
)

// keysWithoutLookups are the keys that change no request and no cached verdict.
func keysWithoutLookups() []string {
	return []string{
		"defaultMode", "actions",
		"exemptions.usernames", "exemptions.groups", "exemptions.namespaces", "exemptions.runtimeClasses", "exemptions.podSelector",
		"timeouts.headroom", "limits.usesPerObject",
		"nodes.localImagePull", "nodes.credentialedRegistries", "nodes.platforms", "nodes.watch", "nodes.maxReportedImages", "nodes.verifyImages",
		"skipRegistries", "placeholders", "deep",
	}
}

// A key that is new must be added to lookupKeys, or it costs the caches.
func TestEveryOtherKeyCostsTheCaches(t *testing.T) {
	t.Parallel()
	var got []string
	for path, change := range changes(reflect.TypeFor[config.Configuration](), "") {
		c := config.Default()
		change(reflect.ValueOf(&c).Elem())
		if reflect.DeepEqual(lookupKeys(c), lookupKeys(config.Default())) {
			got = append(got, path)
		}
	}
	want := keysWithoutLookups()
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("keys that keep the caches (-want +got):\n%s", diff)
	}
}

// changes returns a function for each key that gives it another value.
func changes(section reflect.Type, prefix string) map[string]func(reflect.Value) {
	all := map[string]func(reflect.Value){}
	for i := range section.NumField() {
		path := prefix + section.Field(i).Tag.Get("yaml")
		at := func(change func(reflect.Value)) func(reflect.Value) {
			return func(v reflect.Value) { change(v.Field(i)) }
		}
		if section.Field(i).Type.Kind() == reflect.Struct {
			for below, change := range changes(section.Field(i).Type, path+".") {
				all[below] = at(change)
			}
			continue
		}
		all[path] = at(func(v reflect.Value) {
			switch v.Kind() {
			case reflect.String:
				v.SetString(v.String() + "x")
			case reflect.Bool:
				v.SetBool(!v.Bool())
			case reflect.Int, reflect.Int64:
				v.SetInt(v.Int() + 1)
			case reflect.Float64:
				v.SetFloat(v.Float() + 1)
			case reflect.Slice:
				v.Set(reflect.Append(v, reflect.Zero(v.Type().Elem())))
			case reflect.Map:
				v.SetMapIndex(reflect.Zero(v.Type().Key()), reflect.Zero(v.Type().Elem()))
			default:
				panic("a key has a kind that this test does not know: " + v.Kind().String())
			}
		})
	}
	return all
}

// configurationOf returns the configuration of startEngine.
func configurationOf(server *registry.Server) config.Configuration {
	c := config.Default()
	c.Egress.Allow = []string{server.Addr()}
	c.Deep = true
	return c
}

func TestReconfigureKeepsTheCachesUnlessLookupsChange(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*config.Configuration)
		want   string // the provenance of the verdict
	}{
		"nothing":            {func(*config.Configuration) {}, "cache 0s"},
		"the default mode":   {func(c *config.Configuration) { c.DefaultMode = "enforce" }, "cache 0s"},
		"another TTL":        {func(c *config.Configuration) { c.Cache.TagTTL = time.Hour }, "registry"},
		"another host":       {func(c *config.Configuration) { c.Egress.Allow = append(c.Egress.Allow, "other.example") }, "registry"},
		"lookups per object": {func(c *config.Configuration) { c.Limits.UsesPerObject = 1 }, "cache 0s"},
		"total lookups":      {func(c *config.Configuration) { c.Limits.Total = 8 }, "registry"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, server := startEngine(t, Options{Clock: clocktesting.NewFakeClock(time.Now())})
			if v := e.resolveTag(t.Context(), server, "1"); v.Provenance() != "registry" {
				t.Fatalf("first verdict from %s", v.Provenance())
			}
			c := configurationOf(server)
			test.change(&c)
			next, err := e.Reconfigure(c, Cluster{})
			if err != nil {
				t.Fatal(err)
			}
			defer next.Close()
			v := next.resolveTag(t.Context(), server, "1")
			if v.Reason != imagepull.ReasonPullable || v.Provenance() != test.want {
				t.Errorf("got %s from %s, want Pullable from %s", v.Reason, v.Provenance(), test.want)
			}
			if next.SharesLookups(e) != (test.want != "registry") {
				t.Errorf("SharesLookups() = %t", next.SharesLookups(e))
			}
		})
	}
}

// The rules of the new configuration apply to the next check, also with shared lookups.
func TestReconfigureChangesTheChecks(t *testing.T) {
	t.Parallel()
	e, server := startEngine(t, Options{})
	pod := imagepull.Pod{Uses: []imagepull.Use{{Reference: imagepull.Reference{Domain: server.Addr(), Path: "shop/web", Tag: "none"}}}}
	for _, step := range []struct {
		change func(*config.Configuration)
		want   imagepull.Reason
	}{
		{func(*config.Configuration) {}, imagepull.ReasonAccessDenied},
		{func(c *config.Configuration) { c.SkipRegistries = []string{server.Addr()} }, imagepull.ReasonNotChecked},
		{func(c *config.Configuration) { c.Nodes.CredentialedRegistries = []string{server.Addr()} }, imagepull.ReasonNodeCredentials},
		{func(c *config.Configuration) { c.Egress.Deny = []string{server.Addr()} }, imagepull.ReasonEgressForbidden},
	} {
		c := configurationOf(server)
		step.change(&c)
		next, err := e.Reconfigure(c, Cluster{})
		if err != nil {
			t.Fatal(err)
		}
		if got := next.Check(t.Context(), pod, nil)[0]; got.Reason != step.want {
			t.Errorf("got %s: %s, want %s", got.Reason, got.Detail, step.want)
		}
		next.Close()
	}
}

func TestReconfigureRejectsWhatNewRejects(t *testing.T) {
	t.Parallel()
	e, server := startEngine(t, Options{})
	c := configurationOf(server)
	c.Nodes.HostsDir = "/does/not/exist"
	if next, err := e.Reconfigure(c, Cluster{}); err == nil || !strings.Contains(err.Error(), "/does/not/exist") || next != nil {
		t.Errorf("Reconfigure() = %v, %v, want an error with the directory", next, err)
	}
	if v := e.resolveTag(t.Context(), server, "1"); v.Reason != imagepull.ReasonPullable {
		t.Errorf("the former engine: %s: %s", v.Reason, v.Detail)
	}
}

// Checks run on old and new engines at the same time, and each engine is retired after its last check. At the end no goroutine and no
// connection is left. The test runs alone, since it compares the goroutines of the process.
func TestManyReconfigurationsLeaveNothing(t *testing.T) {
	// The HTTP/1 client gives up a connection before it returns a response. An HTTP/2 stream ends a moment later.
	server, err := registry.Start(registry.Config{PlainHTTP: true})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	if _, err := server.PushImage("shop/web:1"); err != nil {
		t.Fatal(err)
	}
	before := goleak.IgnoreCurrent()
	c := configurationOf(server)
	c.Egress.InsecureRegistries = []string{server.Addr()}
	noLookups, cancel := context.WithCancel(t.Context())
	cancel() // every lookup has ended before its engine is retired
	e, err := New(c, Options{Environ: []string{}})
	if err != nil {
		t.Fatal(err)
	}
	const reloads = 20
	var heaps [2]uint64
	for i := range reloads {
		var checks sync.WaitGroup
		for n := range 8 {
			pod := imagepull.Pod{
				Namespace: "shop-" + strconv.Itoa(n),
				Uses:      []imagepull.Use{{Reference: imagepull.Reference{Domain: server.Addr(), Path: "shop/web", Tag: "1"}}},
			}
			checks.Go(func() {
				if got := e.Check(t.Context(), pod, nil)[0]; got.Reason != imagepull.ReasonPullable {
					t.Errorf("got %s: %s, want Pullable", got.Reason, got.Detail)
				}
			})
		}
		c.Cache.MaxEntries = 10000 - i // not shared
		next, err := e.Reconfigure(c, Cluster{})
		if err != nil {
			t.Fatal(err)
		}
		checks.Wait()
		e.Retire(noLookups)
		e = next
		if i == 0 {
			heaps[0] = heap()
		}
	}
	heaps[1] = heap()
	if most := heaps[0] + 4<<20; heaps[1] > most {
		t.Errorf("the heap has %d bytes after %d reloads, %d after the first one", heaps[1], reloads, heaps[0])
	}
	e.Retire(noLookups)
	goleak.VerifyNone(t, before)
}

func heap() uint64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

func TestRetireWaitsForLookupsInTheBackground(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		shared, canceled, waits bool
	}{
		"lookups of its own":   {waits: true},
		"shared lookups":       {shared: true},
		"the end of a process": {canceled: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock := clocktesting.NewFakeClock(time.Now())
			e, err := New(config.Default(), Options{Environ: []string{}, Clock: clock})
			if err != nil {
				t.Fatal(err)
			}
			if test.shared {
				next, err := e.Reconfigure(config.Default(), Cluster{})
				if err != nil {
					t.Fatal(err)
				}
				defer next.Close()
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if test.canceled {
				cancel()
			}
			retired := make(chan struct{})
			go func() {
				e.Retire(ctx)
				close(retired)
			}()
			if test.waits {
				for !clock.HasWaiters() {
					runtime.Gosched()
				}
				select {
				case <-retired:
					t.Fatal("Retire() has returned before the timeout of a lookup")
				default:
				}
				clock.Step(config.Default().Timeouts.Admission + config.Default().Timeouts.Request)
			}
			<-retired
		})
	}
}

// The length of a complete list of images is a key that a reload may change.
func TestReportedNodesAreThoseOfTheConfiguration(t *testing.T) {
	t.Parallel()
	cluster := Cluster{Reported: func(p nodes.Profile) nodes.Reported { return nodes.Reported{All: p.MaxReportedImages} }}
	c := config.Default()
	c.Nodes.MaxReportedImages = 51
	e := newEngine(t, c, Options{Cluster: cluster})
	c.Nodes.MaxReportedImages = 52
	next, err := e.Reconfigure(c, cluster)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(next.Close)
	unwatched := newEngine(t, c, Options{})
	for name, test := range map[string]struct {
		engine *Engine
		want   int
	}{"first": {e, 51}, "next": {next, 52}, "unwatched": {unwatched, 0}} {
		if got := test.engine.ReportedNodes(); got != (nodes.Reported{All: test.want}) {
			t.Errorf("%s: got %+v, want %d", name, got, test.want)
		}
	}
}
