package main

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/pullgate/pullgate/test/process"
)

// TestEveryExampleHasAManifest compares the examples with the files, and each pod's name with its file name.
func TestEveryExampleHasAManifest(t *testing.T) {
	t.Parallel()
	var used []string
	for _, e := range examples() {
		used = append(used, "pods/"+e.file())
		manifest, err := e.manifest("localhost:5000")
		if err != nil {
			t.Fatalf("manifest: %v", err)
		}
		var pod corev1.Pod
		if err := yaml.UnmarshalStrict(manifest, &pod); err != nil {
			t.Errorf("%s: %v", e.file(), err)
		}
		if pod.Kind != "Pod" || pod.Name != e.pod {
			t.Errorf("%s contains the %s %q", e.file(), pod.Kind, pod.Name)
		}
		if bytes.Contains(manifest, []byte(registryPlaceholder)) {
			t.Errorf("%s still contains the placeholder", e.file())
		}
	}
	slices.Sort(used)
	files, err := fs.Glob(pods, "pods/*")
	if err != nil {
		t.Fatalf("listing manifests: %v", err)
	}
	if diff := cmp.Diff(slices.Compact(used), files); diff != "" {
		t.Errorf("manifests (-used +there):\n%s", diff)
	}
}

func TestMissingManifestIsAnError(t *testing.T) {
	t.Parallel()
	if _, err := (example{pod: "none"}).manifest("localhost:5000"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("manifest: got %v, want that it does not exist", err)
	}
}

func TestApplyAllAppliesEveryExampleInOrder(t *testing.T) {
	t.Parallel()
	d, printed := newTestDemo(t, `test -f "$5" && echo "pod created"`)
	d.pullgate = sleeping(t)
	results, err := d.applyAll(t.Context())
	if err != nil {
		t.Fatalf("applyAll: %v", err)
	}
	if len(results) != len(examples()) {
		t.Errorf("got %d results for %d examples", len(results), len(examples()))
	}
	for _, r := range results {
		if r.got.effect != admitted || (r.mismatch == "") != (r.want.effect == admitted) {
			t.Errorf("%s: got %v, mismatch %q", r.pod, r.got, r.mismatch)
		}
	}
	rest := printed.String()
	for _, want := range []string{
		"\nA tag that was never pushed\n$ kubectl apply -n shop -f missing-tag.yaml\n    pod created\n",
		"$ kubectl apply -n lab -f missing-tag.yaml\n",
		"The registry is stopped.\n",
		"$ kubectl apply -n shop -f during-outage.yaml\n",
		"The registry is started again, on the same port.\n",
		"$ kubectl apply -n shop -f after-outage.yaml\n",
	} {
		_, after, found := strings.Cut(rest, want)
		if !found {
			t.Fatalf("the output lacks, or has too early:\n%s\nin:\n%s", want, printed)
		}
		rest = after
	}
}

func TestApplyAllFails(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(t *testing.T, d *demo)
		want   string
	}{
		"missing kubectl": {
			change: func(_ *testing.T, d *demo) { d.cluster.kubectl.path = "./no-such-program" },
			want:   "applying good.yaml: running kubectl",
		},
		"missing directory": {
			change: func(_ *testing.T, d *demo) { d.dir = "no-such-directory" },
			want:   "applying good.yaml: open",
		},
		"Pullgate has ended": {
			change: func(t *testing.T, d *demo) {
				p, err := process.Start(exec.Command(script(t, "pullgate", "echo no memory; exit 7")), process.Options{})
				if err != nil {
					t.Fatalf("starting a process: %v", err)
				}
				<-p.Done()
				d.pullgate = p
			},
			want: "pullgate ended: exit status 7; the end of its output:\nno memory",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, _ := newTestDemo(t, "echo created")
			d.pullgate = sleeping(t)
			tc.change(t, d)
			results, err := d.applyAll(t.Context())
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("applyAll: got error %v, want one with %q", err, tc.want)
			}
			if results != nil {
				t.Errorf("got %d results, want none", len(results))
			}
		})
	}
}

func TestApplyAllEndsWithTheContext(t *testing.T) {
	t.Parallel()
	d, _ := newTestDemo(t, "echo created")
	d.pullgate = sleeping(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.applyAll(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("applyAll: got %v, want that it was cancelled", err)
	}
}
