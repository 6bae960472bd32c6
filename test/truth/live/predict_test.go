//go:build cluster

package live

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/pullgate/pullgate/test/truth"
	"github.com/pullgate/pullgate/webhook/imagepull"
)

// pullgate returns a command of the program under test. Its system pool has the webhook's CAs.
func (s *testCluster) pullgate(ctx context.Context, h *webhook, args ...string) *exec.Cmd {
	program := os.Getenv("PULLGATE")
	if h.hosts != "" {
		args = append([]string{"--mount", "sh", "-c", `mount --bind "$0" /etc/hosts && exec "$@"`, h.hosts, program}, args...)
		program = "unshare"
	}
	cmd := s.Command(ctx, program, args...)
	cmd.Env = append(cmd.Env, "SSL_CERT_FILE="+h.roots, "SSL_CERT_DIR="+filepath.Join(filepath.Dir(h.roots), "none"))
	return cmd
}

// check runs "pullgate check" on an object in a file.
func (s *testCluster) check(t *testing.T, h *webhook, namespace string, object runtime.Object) truth.Predicted {
	t.Helper()
	data, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "object.json")
	write(t, file, data)
	out, err := s.finish(s.pullgate(t.Context(), h, "check", "-f", file, "-n", namespace, "--config", h.config,
		"--kubeconfig", s.Kubeconfig(), "-o", "json"))
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
		t.Fatalf("pullgate check: %v", err)
	}
	var report struct {
		Findings []struct{ Reason, Message string }
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatalf("reading the report: %v", err)
	}
	var findings []imagepull.Finding
	for _, f := range report.Findings {
		findings = append(findings, imagepull.Finding{
			Verdict: imagepull.Verdict{Reason: imagepull.Reason(f.Reason), Detail: f.Message},
		})
	}
	return truth.Predict(findings)
}

// admission is the API server's response with the webhook on.
type admission struct {
	err      error
	warnings warnings
	// template means that the object is a pod template, which Pullgate never denies.
	template bool
}

// contradicts describes how the API server's response differs from the prediction. It returns "" if they agree.
func (a admission) contradicts(predicted truth.Predicted) string {
	denied := apierrors.IsForbidden(a.err) && strings.Contains(a.err.Error(), "denied the request")
	if a.err != nil && !denied {
		return fmt.Sprintf("the API server failed: %v", a.err)
	}
	warned := a.warnings.mention(": " + string(predicted.Reason) + ": ")
	switch {
	case a.template && predicted.Outcome == imagepull.Unpullable:
		if !a.warnings.mention("cannot be pulled: " + string(predicted.Reason)) {
			return fmt.Sprintf("the API server's warnings: %q; predicted: %s", a.warnings.texts, predicted.Reason)
		}
	case denied != (predicted.Outcome == imagepull.Unpullable):
		return fmt.Sprintf("the API server denied: %v (%v); predicted: %s", denied, a.err, predicted.Reason)
	case denied && !strings.Contains(a.err.Error(), string(predicted.Reason)):
		return fmt.Sprintf("the API server's error: %q; predicted: %s", a.err, predicted.Reason)
	case warned != (predicted.Outcome == imagepull.Indeterminate):
		return fmt.Sprintf("the API server's warnings: %q; predicted: %s", a.warnings.texts, predicted.Reason)
	}
	return ""
}

// predicted returns the prediction from the API server's response alone.
func (a admission) predicted() truth.Predicted {
	text := strings.Join(a.warnings.texts, "\n")
	if a.err != nil {
		text = a.err.Error()
	}
	for _, reason := range imagepull.Reasons() {
		if strings.Contains(text, " "+string(reason)+": ") && reason.Outcome() != imagepull.Pullable {
			return truth.Predicted{Outcome: reason.Outcome(), Reason: reason, Detail: text}
		}
	}
	if a.err != nil {
		return truth.Predicted{Detail: text}
	}
	return truth.Predicted{Outcome: imagepull.Pullable} // a Pullable verdict has no reason in the response
}

// warnings collects the warnings of the API server.
type warnings struct{ texts []string }

// HandleWarningHeader implements rest.WarningHandler.
func (w *warnings) HandleWarningHeader(_ int, _, text string) { w.texts = append(w.texts, text) }

func (w *warnings) mention(text string) bool {
	return strings.Contains(strings.Join(w.texts, "\n"), text)
}
