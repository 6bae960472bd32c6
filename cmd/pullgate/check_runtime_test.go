package main

import (
	"strings"
	"testing"
)

func TestCheckUsesTheRulesOfTheNodesRuntime(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.write(t, "crio.yaml", `
apiVersion: pullgate.dev/v1alpha1
kind: Configuration
nodes: {runtime: cri-o}
egress: {allow: [HOST]}
`)
	for image, want := range map[string]string{
		"nginx":              "NodeLocalRegistry",
		"HOST/shop/web:1.27": "Pullable",
	} {
		status, stdout, stderr := f.check(t, "", f.fill(image), "--config", "DIR/crio.yaml")
		if status != exitOK || !strings.Contains(stdout, want) {
			t.Errorf("%s: status %d, stdout:\n%s\nwant %s in it; stderr:\n%s", image, status, stdout, want, stderr)
		}
	}
}
