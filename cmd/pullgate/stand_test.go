package main

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

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"

	"github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook"
	"github.com/pullgate/pullgate/webhook/config"
	"github.com/pullgate/pullgate/webhook/credentials"
	"github.com/pullgate/pullgate/webhook/credentials/secrets"
	"github.com/pullgate/pullgate/webhook/policy"
)

// stand is the whole webhook as the API server finds it, with a network of registries behind it: all is real but the cluster,
// and names lead to registries of the test.
type stand struct {
	ca      *registry.CA
	network *registry.Network
	server  *httptest.Server
	asked   atomic.Int64
	hosts   atomic.Int64
}

func newStand(t *testing.T, c config.Configuration, wall clock.Clock) *stand {
	t.Helper()
	ca, err := registry.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	s := &stand{ca: ca, network: registry.NewNetwork(ca)}
	t.Cleanup(s.network.Close)
	options, err := registryOptions(c)
	if err != nil {
		t.Fatal(err)
	}
	options.Proxy = nil // whatever this machine's environment says
	options.DialContext, options.RootCAs = s.network.DialContext, ca.Pool()
	engine, err := newEngine(c, options, nil, wall)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := secrets.ParseFile([]byte(pullSecret), "config.json")
	if err != nil {
		t.Fatal(err)
	}
	s.server = httptest.NewTLSServer(endpoint(&webhook.Handler{
		Checker: engine.checker(credentials.Node{Source: secrets.Files{secret}}, nil),
		Modes:   enforced{},
		Actions: c.Actions,
		Budget:  webhook.Budget{Admission: c.Timeouts.Admission.Duration, Headroom: c.Timeouts.Headroom.Duration},
		Observe: func(webhook.Observation) {},
		Log:     slog.New(slog.DiscardHandler),
	}))
	t.Cleanup(s.server.Close)
	// It gives up exactly when it said it would (kubernetes: staging/src/k8s.io/apiserver/pkg/admission/plugin/webhook/
	// validating/dispatcher.go).
	s.server.Client().Timeout = timeout
	return s
}

// enforced are namespaces in which nothing is let pass.
type enforced struct{}

func (enforced) Mode(context.Context, string) (policy.Mode, error) { return policy.ModeEnforce, nil }

// pullSecret is that of every pod. It opens all registries on the stand.
const pullSecret = `{"auths":{"*.registries.example":{"username":"alice","password":"a"}}}`

// host returns a name that no registry has yet.
func (s *stand) host() string { return fmt.Sprintf("r%d.registries.example", s.hosts.Add(1)) }

// pushed is an image, as much of it as anybody looks at.
type pushed struct{ name, mediaType, manifest string }

func single() pushed {
	return pushed{"shop/web:1", "application/vnd.oci.image.manifest.v1+json", `{"schemaVersion":2,"config":{},"layers":[]}`}
}

func multi() pushed {
	return pushed{
		"shop/multi:1", "application/vnd.oci.image.index.v1+json",
		`{"schemaVersion":2,"manifests":[{"platform":{"os":"linux","architecture":"amd64"}}]}`,
	}
}

// open starts a registry with one private image, and returns what the registry is called.
func (s *stand) open(t *testing.T, image pushed) (server *registry.Server, host string) {
	t.Helper()
	server, err := registry.Start(registry.Config{
		CA: s.ca, Auth: registry.AuthBearer,
		Accounts: []registry.Account{{Username: "alice", Password: "a", Repositories: []string{"shop/*"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	if _, err := server.PushManifest(image.name, image.mediaType, []byte(image.manifest)); err != nil {
		t.Fatal(err)
	}
	host = s.host()
	if err := s.network.Add(host, server); err != nil {
		t.Fatal(err)
	}
	return server, host
}

// ask has a pod of one image admitted, and returns what becomes of it: "allow", or "warn" or "deny" with the reason.
func (s *stand) ask(ctx context.Context, image string) (string, error) {
	uid := types.UID(fmt.Sprint(s.asked.Add(1)))
	question, err := reviewOf(uid, image)
	if err != nil {
		return "", err
	}
	url := fmt.Sprintf("%s%s?timeout=%s", s.server.URL, webhook.Path, timeout)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(question))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.server.Client().Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var answer admissionv1.AdmissionReview
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return "", fmt.Errorf("decoding the answer: %w", err)
	}
	if resp.ProtoMajor != 1 || resp.StatusCode != http.StatusOK || answer.Kind != "AdmissionReview" {
		return "", fmt.Errorf("got %s %s with a %q", resp.Proto, resp.Status, answer.Kind)
	}
	if answer.Response == nil || answer.Response.UID != uid {
		return "", errors.New("the review holds no answer to the request")
	}
	return fate(answer.Response), nil
}

func fate(r *admissionv1.AdmissionResponse) string {
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
			UID: uid, Kind: metav1.GroupVersionKind{Version: "v1", Kind: "Pod"}, Namespace: "shop", Name: "web",
			Operation: admissionv1.Create, Object: runtime.RawExtension{Raw: pod},
		},
	})
}
