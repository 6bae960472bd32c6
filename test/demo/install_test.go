package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"

	"github.com/pullgate/pullgate/webhook/document"
)

const localURL = "https://localhost:9443/validate"

func TestSetURLChangesNothingButTheAddress(t *testing.T) {
	t.Parallel()
	shipped, err := os.ReadFile(filepath.Join("..", "..", "manifests", "base", "70-validatingwebhookconfiguration.yaml"))
	if err != nil {
		t.Fatalf("reading manifest: %v", err)
	}
	changed, err := setURL(shipped, localURL)
	if err != nil {
		t.Fatalf("setURL: %v", err)
	}
	before, after := webhookConfiguration(t, shipped), webhookConfiguration(t, changed)
	if len(after.Webhooks) == 0 {
		t.Fatal("the configuration has no webhooks")
	}
	for i := range after.Webhooks {
		got := after.Webhooks[i].ClientConfig
		if got.Service != nil || got.URL == nil || *got.URL != localURL {
			t.Errorf("webhook %s is called at %v", after.Webhooks[i].Name, got)
		}
		after.Webhooks[i].ClientConfig = before.Webhooks[i].ClientConfig
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("the rest of the configuration (-shipped +changed):\n%s", diff)
	}
}

func webhookConfiguration(t *testing.T, manifest []byte) (c admissionregistrationv1.ValidatingWebhookConfiguration) {
	t.Helper()
	documents, err := document.Split(manifest)
	if err != nil || len(documents) != 1 {
		t.Fatalf("reading manifest: %d documents, %v", len(documents), err)
	}
	if err := json.Unmarshal(documents[0].JSON, &c); err != nil {
		t.Fatalf("decoding manifest: %v", err)
	}
	return c
}

func TestSetURL(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ manifests, want, wantError string }{
		"other objects are unchanged": {
			manifests: "kind: Namespace\n---\nkind: Service\nspec:\n  clientConfig: {service: pullgate}\n",
			want:      `{"kind":"Namespace"}` + "\n" + `{"kind":"Service","spec":{"clientConfig":{"service":"pullgate"}}}` + "\n",
		},
		"broken YAML": {
			manifests: "kind: [", wantError: "reading manifests",
		},
		"not an object": {
			manifests: "kind: Namespace\n---\njust text\n", wantError: "reading the manifest at line 3",
		},
		"an invalid webhook configuration": {
			manifests: "kind: ValidatingWebhookConfiguration\nwebhooks: none\n", wantError: "reading the manifest at line 1",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := setURL([]byte(tc.manifests), localURL)
			if diff := cmp.Diff(tc.want, string(got)); diff != "" {
				t.Errorf("manifests (-want +got):\n%s", diff)
			}
			if (err == nil) != (tc.wantError == "") || (err != nil && !strings.Contains(err.Error(), tc.wantError)) {
				t.Errorf("got error %v, want one with %q", err, tc.wantError)
			}
		})
	}
}

func TestInstall(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ kustomize, kubectl, wantError string }{
		"the built manifests are applied": {
			kustomize: `test "$*" = "build manifests/self-signed" && echo 'kind: Namespace'`,
			kubectl:   `test "$*" = "apply -f -" && test "$(cat)" = '{"kind":"Namespace"}'`,
		},
		"kustomize fails": {
			kustomize: "echo no such file >&2; exit 1", kubectl: "exit 0", wantError: "exit status 1:\nno such file",
		},
		"kustomize prints invalid YAML": {
			kustomize: "echo 'kind: ['", kubectl: "exit 0", wantError: "reading manifests",
		},
		"kubectl fails": {
			kustomize: "echo 'kind: Namespace'", kubectl: "cat >/dev/null; echo invalid; exit 1", wantError: "invalid",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, _ := newTestDemo(t, tc.kubectl)
			d.programs.kustomize = script(t, "kustomize", tc.kustomize)
			err := d.install(t.Context())
			if (err == nil) != (tc.wantError == "") || (err != nil && !strings.Contains(err.Error(), tc.wantError)) {
				t.Errorf("install: got error %v, want one with %q", err, tc.wantError)
			}
		})
	}
}
