package faults

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/opencontainers/go-digest"
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"

	"github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook"
	"github.com/pullgate/pullgate/webhook/config"
	"github.com/pullgate/pullgate/webhook/credentials/secrets"
	"github.com/pullgate/pullgate/webhook/engine"
	"github.com/pullgate/pullgate/webhook/policy"
)

// testWebhook is the whole webhook behind HTTPS, with a network of registries. Only the cluster is missing.
type testWebhook struct {
	ca       *registry.CA
	network  *registry.Network
	server   *httptest.Server
	requests atomic.Int64
	hosts    atomic.Int64
}

func newTestWebhook(t *testing.T, c config.Configuration, wall clock.Clock) *testWebhook {
	t.Helper()
	ca, err := registry.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	w := &testWebhook{ca: ca, network: registry.NewNetwork(ca)}
	t.Cleanup(w.network.Close)
	secret, err := secrets.ParseFile([]byte(pullSecret), "config.json")
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(c, engine.Options{
		Credentials: secrets.Files{secret},
		Environ:     []string{}, // no proxy
		DialContext: w.network.DialContext,
		RootCAs:     ca.Pool(),
		Clock:       wall,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	w.server = httptest.NewTLSServer(webhook.Endpoint(&webhook.Handler{
		Checker: e,
		Modes:   enforced{},
		Actions: c.Actions,
		Budget:  webhook.Budget{Admission: c.Timeouts.Admission, Headroom: c.Timeouts.Headroom},
		Observe: func(context.Context, webhook.Observation) {},
		Log:     slog.New(slog.DiscardHandler),
	}))
	t.Cleanup(w.server.Close)
	// The API server gives up exactly after the timeout that it sent (kubernetes: staging/src/k8s.io/apiserver/pkg/admission/
	// plugin/webhook/validating/dispatcher.go).
	w.server.Client().Timeout = timeout
	return w
}

// enforced returns ModeEnforce for every namespace.
type enforced struct{}

func (enforced) Mode(context.Context, string) (policy.Mode, error) { return policy.ModeEnforce, nil }

// pullSecret is the pull secret of every pod. It gives access to every registry of the test.
const pullSecret = `{"auths":{"*.registries.example":{"username":"alice","password":"a"}}}`

// host returns a new host name.
func (w *testWebhook) host() string { return fmt.Sprintf("r%d.registries.example", w.hosts.Add(1)) }

// testImage holds the parts of an image that Pullgate reads. An index has a child, the manifest of its only entry.
type testImage struct{ name, mediaType, manifest, child string }

const imageType = "application/vnd.oci.image.manifest.v1+json"

func single() testImage {
	return testImage{name: "shop/web:1", mediaType: imageType, manifest: `{"schemaVersion":2,"config":{},"layers":[]}`}
}

func multi() testImage {
	child := single().manifest
	entry := fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":%d,"platform":{"os":"linux","architecture":"amd64"}}`,
		imageType, digest.FromString(child), len(child))
	return testImage{
		"shop/multi:1", "application/vnd.oci.image.index.v1+json", `{"schemaVersion":2,"manifests":[` + entry + `]}`, child,
	}
}

// open starts a registry with one private image, and returns its host name.
func (w *testWebhook) open(t *testing.T, i testImage) (server *registry.Server, host string) {
	t.Helper()
	return w.openWith(t, i, registry.AuthBearer)
}

// openWith starts a registry with one image, which is public with AuthNone.
func (w *testWebhook) openWith(t *testing.T, i testImage, auth registry.Auth) (server *registry.Server, host string) {
	t.Helper()
	server, err := registry.Start(registry.Config{
		CA: w.ca, Auth: auth,
		Accounts: []registry.Account{{Username: "alice", Password: "a", Repositories: []string{"shop/*"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	if i.child != "" {
		if _, err := server.PushManifest(i.name, imageType, []byte(i.child)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := server.PushManifest(i.name, i.mediaType, []byte(i.manifest)); err != nil {
		t.Fatal(err)
	}
	host = w.host()
	if err := w.network.Add(host, server); err != nil {
		t.Fatal(err)
	}
	return server, host
}

// review sends the review of a pod with one image, and returns its outcome: "allow", or "warn" or "deny" with the reason.
func (w *testWebhook) review(ctx context.Context, image string) (string, error) {
	uid := types.UID(fmt.Sprint(w.requests.Add(1)))
	body, err := reviewOf(uid, image)
	if err != nil {
		return "", err
	}
	url := fmt.Sprintf("%s%s?timeout=%s", w.server.URL, webhook.Path, timeout)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := w.server.Client().Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var review admissionv1.AdmissionReview
	if err := json.NewDecoder(resp.Body).Decode(&review); err != nil {
		return "", fmt.Errorf("decoding the response: %w", err)
	}
	if resp.ProtoMajor != 1 || resp.StatusCode != http.StatusOK || review.Kind != "AdmissionReview" {
		return "", fmt.Errorf("got %s %s with a %q", resp.Proto, resp.Status, review.Kind)
	}
	if review.Response == nil || review.Response.UID != uid {
		return "", errors.New("the review has no response with the UID of the request")
	}
	return outcomeOf(review.Response), nil
}

func outcomeOf(r *admissionv1.AdmissionResponse) string {
	switch reasons := r.AuditAnnotations["reasons"]; {
	case !r.Allowed:
		return "deny " + reasons
	case len(r.Warnings) > 0:
		return "warn " + reasons
	}
	return "allow"
}

func reviewOf(uid types.UID, image string) ([]byte, error) {
	pod, err := json.Marshal(corev1.Pod{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: image, ImagePullPolicy: corev1.PullAlways}}},
	})
	if err != nil {
		return nil, err
	}
	return json.Marshal(admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"},
		Request: &admissionv1.AdmissionRequest{
			UID: uid, Kind: metav1.GroupVersionKind{Version: "v1", Kind: "Pod"},
			Resource: metav1.GroupVersionResource{Version: "v1", Resource: "pods"}, Namespace: "shop", Name: "web",
			Operation: admissionv1.Create, Object: runtime.RawExtension{Raw: pod},
		},
	})
}
