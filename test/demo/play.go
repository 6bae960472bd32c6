package main

import (
	"context"
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// pods are the manifests, with registryMark in place of the registry's host: its port is not known before it listens.
//
//go:embed pods/*.yaml
var pods embed.FS

// registryMark is a host that nobody has.
const registryMark = "REGISTRY"

// result is a scene and what came of it.
type result struct {
	scene
	got answer
	// mismatch says what is not as expected; empty when everything is.
	mismatch string
}

// playScenes applies one pod after the other.
func (s *stage) playScenes(ctx context.Context) ([]result, error) {
	var results []result
	var down bool
	for _, sc := range scenes() {
		if sc.outage != down {
			down = sc.outage
			if err := s.setRegistry(down); err != nil {
				return nil, err
			}
		}
		r, err := s.playScene(ctx, sc)
		if err != nil {
			return nil, fmt.Errorf("applying %s: %w", sc.file(), err)
		}
		results = append(results, r)
	}
	if err := s.pullgate.running(); err != nil {
		return nil, fmt.Errorf("%w; its last words:\n%s", err, s.pullgate.log)
	}
	return results, nil
}

// playScene runs the very command that it shows.
func (s *stage) playScene(ctx context.Context, sc scene) (result, error) {
	manifest, err := sc.manifest(s.registryHost())
	if err != nil {
		return result{}, err
	}
	if err := os.WriteFile(filepath.Join(s.dir, sc.file()), manifest, 0o600); err != nil {
		return result{}, err
	}
	args := []string{"apply", "-n", sc.namespace, "-f", sc.file()}
	s.out.scene(sc.title, "kubectl "+strings.Join(args, " "))
	o, err := s.cluster.kubectl.run(ctx, nil, args...)
	if err != nil {
		return result{}, err
	}
	s.out.output(o.output)
	return sc.judge(o), nil
}

func (sc scene) file() string { return sc.pod + ".yaml" }

// manifest is the pod's, for a registry at that host.
func (sc scene) manifest(registryHost string) ([]byte, error) {
	data, err := pods.ReadFile("pods/" + sc.file())
	if err != nil {
		return nil, fmt.Errorf("reading manifest: %w", err)
	}
	return []byte(strings.ReplaceAll(string(data), registryMark, registryHost)), nil
}

// judge compares what kubectl printed with what was expected.
func (sc scene) judge(o outcome) result {
	r := result{scene: sc, got: readAnswer(o)}
	switch {
	case r.got != sc.want:
		r.mismatch = fmt.Sprintf("expected %q, got %q", sc.want, r.got)
	case !strings.Contains(o.output, sc.says):
		r.mismatch = fmt.Sprintf("kubectl did not print %q", sc.says)
	}
	return r
}
