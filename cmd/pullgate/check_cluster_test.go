package main

import (
	"net/http"
	"strings"
	"testing"
)

// loadedPod is a pod whose image is on the node and not in the registry.
const loadedPod = `
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  containers:
  - {name: web, image: "HOST/shop/web:loaded"}
`

func TestCheckUsesTheClusterInfo(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.apiServer(t, http.StatusOK)
	f.write(t, "unwatched.yaml", `
apiVersion: pullgate.dev/v1alpha1
kind: Configuration
nodes: {watch: false}
egress: {allow: [HOST]}
`)
	tests := map[string]struct {
		args       []string
		wantStatus int
		wantOut    string
	}{
		"an image on the node":                 {[]string{"-f", "-"}, exitOK, "PresentOnNode"},
		"another platform":                     {[]string{"HOST/shop/arm:1"}, exitUnpullable, "offers linux/arm64, the nodes are linux/amd64"},
		"another platform, but declared":       {[]string{"HOST/shop/arm:1", "--platform", "linux/arm64"}, exitOK, "Pullable"},
		"another platform, but offline":        {[]string{"HOST/shop/arm:1", "--offline"}, exitOK, "Pullable"},
		"another platform, with a pull secret": {[]string{"HOST/shop/arm:1", "--pull-secret", "DIR/wrong.json"}, exitUnpullable, "AccessDenied"},
		"another platform, but not watched":    {[]string{"HOST/shop/arm:1", "--config", "DIR/unwatched.yaml"}, exitOK, "Pullable"},
		"a standalone image is always pulled":  {[]string{"HOST/shop/web:loaded"}, exitUnpullable, "NotFound"},
		"a good image":                         {[]string{"HOST/shop/web:1.27"}, exitOK, "Pullable"},

		"in the local registry":                  {[]string{"localhost:5001/shop/web:1.27"}, exitOK, "Pullable"},
		"not in the local registry":              {[]string{"localhost:5001/shop/web:loaded"}, exitUnpullable, "NotFound"},
		"in the local registry, but offline":     {[]string{"localhost:5001/shop/web:1.27", "--offline"}, exitOK, "NodeLocalRegistry"},
		"in the local registry, but not watched": {[]string{"localhost:5001/shop/web:1.27", "--config", "DIR/unwatched.yaml"}, exitOK, "NodeLocalRegistry"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, stdout, stderr := f.checkCluster(t, loadedPod, tt.args...)
			if status != tt.wantStatus || !strings.Contains(stdout, tt.wantOut) || stderr != "" {
				t.Errorf("status %d, want %d; stdout:\n%s\nwant %q in it; stderr:\n%s", status, tt.wantStatus, stdout, tt.wantOut, stderr)
			}
			if strings.Contains(stdout, "the nodes are not known") {
				t.Errorf("stdout:\n%s\nwant no warning about the nodes", stdout)
			}
		})
	}
}

func TestCheckWarnsIfNodesCannotBeListed(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		status int
		want   string
	}{
		"forbidden": {http.StatusForbidden, "the nodes are not known (listing them is not allowed)"},
		"broken":    {http.StatusNotImplemented, "the nodes are not known (the API server did not return them)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.apiServer(t, tt.status)
			status, stdout, stderr := f.checkCluster(t, "", "HOST/shop/arm:1", "localhost:5001/shop/web:1.27")
			if status != exitOK || !strings.Contains(stdout, tt.want) || !strings.Contains(stdout, "NodeLocalRegistry") || stderr != "" {
				t.Errorf("status %d, stdout:\n%s\nwant %q in it", status, stdout, tt.want)
			}
		})
	}
	t.Run("no such kubeconfig", func(t *testing.T) {
		t.Parallel()
		status, _, stderr := newFixture(t).checkCluster(t, "", "HOST/shop/arm:1")
		if status != exitUsage || !strings.Contains(stderr, "finding the API server") {
			t.Errorf("status %d, stderr:\n%s\nwant an error about the kubeconfig", status, stderr)
		}
	})
}
