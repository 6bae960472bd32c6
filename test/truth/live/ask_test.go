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

// pullgate is a command of the program under test, whose system knows the gate's authorities.
func (s *stage) pullgate(ctx context.Context, g *gate, args ...string) *exec.Cmd {
	cmd := s.Command(ctx, os.Getenv("PULLGATE"), args...)
	cmd.Env = append(cmd.Env, "SSL_CERT_FILE="+g.roots, "SSL_CERT_DIR="+filepath.Join(filepath.Dir(g.roots), "none"))
	return cmd
}

// check asks by the command line about an object in a file.
func (s *stage) check(t *testing.T, g *gate, namespace string, object runtime.Object) truth.Foretold {
	t.Helper()
	data, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "object.json")
	write(t, file, data)
	out, err := s.finish(s.pullgate(t.Context(), g, "check", "-f", file, "-n", namespace, "--config", g.config,
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
	return truth.Foretell(findings)
}

// answer is what the API server said with the gate on.
type answer struct {
	err      error
	warnings warnings
	// template says that it was about a template of pods, which is never refused.
	template bool
}

// contradicts says how the API server's answer differs from what was foretold elsewhere; empty when it does not.
func (a answer) contradicts(foretold truth.Foretold) string {
	refused := apierrors.IsForbidden(a.err) && strings.Contains(a.err.Error(), "denied the request")
	if a.err != nil && !refused {
		return fmt.Sprintf("the API server failed: %v", a.err)
	}
	doubts := a.warnings.mention(": " + string(foretold.Reason) + ": ")
	switch {
	case a.template && foretold.Outcome == imagepull.Unpullable:
		if !a.warnings.mention("cannot be pulled: " + string(foretold.Reason)) {
			return fmt.Sprintf("the API server warned of %q; foretold: %s", a.warnings.texts, foretold.Reason)
		}
	case refused != (foretold.Outcome == imagepull.Unpullable):
		return fmt.Sprintf("the API server refused: %v (%v); foretold: %s", refused, a.err, foretold.Reason)
	case refused && !strings.Contains(a.err.Error(), string(foretold.Reason)):
		return fmt.Sprintf("the API server says %q; foretold: %s", a.err, foretold.Reason)
	case doubts != (foretold.Outcome == imagepull.Indeterminate):
		return fmt.Sprintf("the API server warned of %q; foretold: %s", a.warnings.texts, foretold.Reason)
	}
	return ""
}

// foretold reads the answer where there is no other to compare it with.
func (a answer) foretold() truth.Foretold {
	text := strings.Join(a.warnings.texts, "\n")
	if a.err != nil {
		text = a.err.Error()
	}
	for _, reason := range imagepull.Reasons() {
		if strings.Contains(text, " "+string(reason)+": ") && reason.Outcome() != imagepull.Pullable {
			return truth.Foretold{Outcome: reason.Outcome(), Reason: reason, Detail: text}
		}
	}
	if a.err != nil {
		return truth.Foretold{Detail: text}
	}
	return truth.Foretold{Outcome: imagepull.Pullable} // nobody is told why
}

// warnings collects what the API server warns of.
type warnings struct{ texts []string }

// HandleWarningHeader implements rest.WarningHandler.
func (w *warnings) HandleWarningHeader(_ int, _, text string) { w.texts = append(w.texts, text) }

func (w *warnings) mention(text string) bool {
	return strings.Contains(strings.Join(w.texts, "\n"), text)
}
