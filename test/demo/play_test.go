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
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// Every scene has a manifest, every manifest a scene, and the pod in it goes by the name of its file.
func TestManifests(t *testing.T) {
	t.Parallel()
	var played []string
	for _, sc := range scenes() {
		played = append(played, "pods/"+sc.file())
		manifest, err := sc.manifest("localhost:5000")
		if err != nil {
			t.Fatalf("manifest: %v", err)
		}
		var pod corev1.Pod
		if err := yaml.UnmarshalStrict(manifest, &pod); err != nil {
			t.Errorf("%s: %v", sc.file(), err)
		}
		if pod.Kind != "Pod" || pod.Name != sc.pod {
			t.Errorf("%s holds the %s %q", sc.file(), pod.Kind, pod.Name)
		}
		if bytes.Contains(manifest, []byte(registryMark)) {
			t.Errorf("%s does not name the registry", sc.file())
		}
	}
	slices.Sort(played)
	files, err := fs.Glob(pods, "pods/*")
	if err != nil {
		t.Fatalf("listing manifests: %v", err)
	}
	if diff := cmp.Diff(slices.Compact(played), files); diff != "" {
		t.Errorf("manifests (-played +there):\n%s", diff)
	}
}

func TestManifestIsMissing(t *testing.T) {
	t.Parallel()
	if _, err := (scene{pod: "none"}).manifest("localhost:5000"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("manifest: got %v, want that there is none", err)
	}
}

// sleeping stands for a webhook that runs.
func sleeping(t *testing.T) *process {
	t.Helper()
	p, err := startProcess(exec.Command(script(t, "pullgate", "exec sleep 600")))
	if err != nil {
		t.Fatalf("startProcess: %v", err)
	}
	t.Cleanup(func() { p.stop(time.Minute) })
	return p
}

func TestPlayScenes(t *testing.T) {
	t.Parallel()
	s, shown := newTestStage(t, `test -f "$5" && echo "pod created"`)
	s.pullgate = sleeping(t)
	results, err := s.playScenes(t.Context())
	if err != nil {
		t.Fatalf("playScenes: %v", err)
	}
	if len(results) != len(scenes()) {
		t.Errorf("got %d results for %d scenes", len(results), len(scenes()))
	}
	for _, r := range results {
		if r.got.effect != admitted || (r.mismatch == "") != (r.want.effect == admitted) {
			t.Errorf("%s: got %v, mismatch %q", r.pod, r.got, r.mismatch)
		}
	}
	rest := shown.String()
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
			t.Fatalf("what is shown lacks, or has too early:\n%s\nin:\n%s", want, shown)
		}
		rest = after
	}
}

func TestPlayScenesFails(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(t *testing.T, s *stage)
		want   string
	}{
		"without kubectl": {
			change: func(_ *testing.T, s *stage) { s.cluster.kubectl.path = "./there-is-none" },
			want:   "applying good.yaml: running kubectl",
		},
		"without a directory": {
			change: func(_ *testing.T, s *stage) { s.dir = "there-is-none" },
			want:   "applying good.yaml: open",
		},
		"when Pullgate has ended": {
			change: func(t *testing.T, s *stage) {
				p, err := startProcess(exec.Command(script(t, "pullgate", "echo no memory; exit 7")))
				if err != nil {
					t.Fatalf("startProcess: %v", err)
				}
				<-p.done
				s.pullgate = p
			},
			want: "pullgate ended early: exit status 7; its last words:\nno memory",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := newTestStage(t, "echo created")
			s.pullgate = sleeping(t)
			tc.change(t, s)
			results, err := s.playScenes(t.Context())
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("playScenes: got error %v, want one with %q", err, tc.want)
			}
			if results != nil {
				t.Errorf("got %d results besides", len(results))
			}
		})
	}
}

func TestPlayScenesIsInterrupted(t *testing.T) {
	t.Parallel()
	s, _ := newTestStage(t, "echo created")
	s.pullgate = sleeping(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.playScenes(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("playScenes: got %v, want that it was cancelled", err)
	}
}
