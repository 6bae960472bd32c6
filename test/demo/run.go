package main

import (
	"context"
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// pods are the manifests. registryPlaceholder stands for the registry's host, because its port is not known before it listens.
//
//go:embed pods/*.yaml
var pods embed.FS

// registryPlaceholder is not a valid host name.
const registryPlaceholder = "REGISTRY"

// result is an example and the decision on it.
type result struct {
	example
	got decision
	// mismatch describes the difference from the expected decision; empty without a difference.
	mismatch string
}

// applyAll applies one pod after the other.
func (d *demo) applyAll(ctx context.Context) ([]result, error) {
	var results []result
	var down bool
	for _, e := range examples() {
		if e.outage != down {
			down = e.outage
			if err := d.setRegistry(down); err != nil {
				return nil, err
			}
		}
		r, err := d.apply(ctx, e)
		if err != nil {
			return nil, fmt.Errorf("applying %s: %w", e.file(), err)
		}
		results = append(results, r)
	}
	if err := d.pullgate.Ended(); err != nil {
		return nil, fmt.Errorf("%w; the end of its output:\n%s", err, d.pullgate.Output())
	}
	return results, nil
}

// apply prints and runs the same command.
func (d *demo) apply(ctx context.Context, e example) (result, error) {
	manifest, err := e.manifest(d.registryHost())
	if err != nil {
		return result{}, err
	}
	if err := os.WriteFile(filepath.Join(d.dir, e.file()), manifest, 0o600); err != nil {
		return result{}, err
	}
	args := []string{"apply", "-n", e.namespace, "-f", e.file()}
	d.out.command(e.title, "kubectl "+strings.Join(args, " "))
	o, err := d.cluster.kubectl.run(ctx, nil, args...)
	if err != nil {
		return result{}, err
	}
	d.out.output(o.output)
	return e.compare(o), nil
}

func (e example) file() string { return e.pod + ".yaml" }

// manifest returns the pod's manifest, for the registry at this host.
func (e example) manifest(registryHost string) ([]byte, error) {
	data, err := pods.ReadFile("pods/" + e.file())
	if err != nil {
		return nil, fmt.Errorf("reading manifest: %w", err)
	}
	return []byte(strings.ReplaceAll(string(data), registryPlaceholder, registryHost)), nil
}

// compare compares the output of kubectl with the expected decision.
func (e example) compare(o commandResult) result {
	r := result{example: e, got: parseDecision(o)}
	switch {
	case r.got != e.want:
		r.mismatch = fmt.Sprintf("expected %q, got %q", e.want, r.got)
	case !strings.Contains(o.output, e.wantOutput):
		r.mismatch = fmt.Sprintf("kubectl did not print %q", e.wantOutput)
	}
	return r
}
