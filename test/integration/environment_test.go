package integration

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"github.com/pullgate/pullgate/test/otlp"
	"github.com/pullgate/pullgate/test/registry"
)

const (
	// timeout bounds every wait. On an idle machine each takes a moment.
	timeout = 60 * time.Second
	// pollInterval is the time between two evaluations of a condition.
	pollInterval = 50 * time.Millisecond
)

// environment is shared by all tests.
type environment struct {
	// root is the test at whose end everything shared is stopped.
	root *testing.T
	// config is the connection of an administrator, without a limit on the rate of requests.
	config *rest.Config
	// admin is a kubeconfig with the same connection.
	admin  []byte
	http   *http.Client
	mapper meta.RESTMapper
	audit  auditLog
	// clients signed the certificate with which the API server calls webhooks.
	clients *registry.CA

	// interrupted is closed when the tests are interrupted.
	interrupted <-chan struct{}

	binary   string
	objects  manifests
	registry *testRegistry

	// launch starts the process that the API server calls, which is pullgate.
	launch   launch
	pullgate *pullgate
	// traces receives the traces of that process.
	traces *otlp.Receiver
}

// newEnvironment installs Pullgate on a new control plane, as an operator would, and waits until it denies a pod.
func newEnvironment(t *testing.T) *environment {
	ctrl.SetLogger(logr.Discard())
	e := &environment{root: t}
	startControlPlane(t, e)
	e.connect(t)
	e.binary = build(t)
	e.objects = render(t, "self-signed")
	e.registry = startRegistry(t)

	e.apply(t, e.objects.withoutWebhooks())
	e.join(t, newNode("node", "amd64", nil))
	e.traces = otlp.Start()
	t.Cleanup(e.traces.Close)
	e.launch = e.newLaunch(t, e.objects, e.objects.deployment(t).Spec.Template.Spec.ServiceAccountName)
	e.launch.args = append(e.launch.args, "--tracing-endpoint="+e.traces.URL)
	e.pullgate = e.launch.start(t)
	e.pullgate.awaitReady(t)
	e.apply(t, e.objects.webhooksAt(t, e.launch.webhookURL()))
	e.awaitDecisions(t)
	return e
}

// build compiles the command.
func build(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "pullgate")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "../../cmd/pullgate").CombinedOutput()
	if err != nil {
		t.Fatalf("building pullgate: %v\n%s", err, out)
	}
	return binary
}

// connect creates the HTTP client and the REST mapper that all clients share.
func (e *environment) connect(t *testing.T) {
	t.Helper()
	e.config.QPS = -1
	var err error
	if e.http, err = rest.HTTPClientFor(e.config); err != nil {
		t.Fatalf("making the HTTP client: %v", err)
	}
	t.Cleanup(e.http.CloseIdleConnections)
	if e.mapper, err = apiutil.NewDynamicRESTMapper(e.config, e.http); err != nil {
		t.Fatalf("making the REST mapper: %v", err)
	}
}

// awaitDecisions waits until the API server calls the webhook and a pod is denied. A dry run is enough, which stores no pod.
func (e *environment) awaitDecisions(t *testing.T) {
	t.Helper()
	namespace := e.namespace(t, "enforce")
	eventually(t, "a pod to be denied", func(context.Context) bool {
		return e.caller(t).create(newPod(namespace, e.registry.expand(imageGone)), client.DryRunAll).denied()
	})
}

// eventually waits until the condition holds. Otherwise it ends the test.
func eventually(t *testing.T, what string, condition func(context.Context) bool) {
	t.Helper()
	err := wait.PollUntilContextTimeout(t.Context(), pollInterval, timeout, true, func(ctx context.Context) (bool, error) {
		return condition(ctx), nil
	})
	if err != nil {
		t.Fatalf("waiting for %s: %v", what, err)
	}
}

// variable returns an environment variable, or its default.
func variable(name, fallback string) string {
	if value := strings.TrimSpace(os.Getenv(name)); value != "" {
		return value
	}
	return fallback
}
