package webhook_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/pullgate/pullgate/webhook"
	"github.com/pullgate/pullgate/webhook/credentials/secrets"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/nodes"
	"github.com/pullgate/pullgate/webhook/podspec"
	"github.com/pullgate/pullgate/webhook/policy"
	"github.com/pullgate/pullgate/webhook/preflight"
	"github.com/pullgate/pullgate/webhook/report"
)

// updateGolden is the environment variable that rewrites the golden file.
const updateGolden = "UPDATE_GOLDEN"

// TestMessagesMatchTheGoldenFile compares every message to users that these packages produce. A changed, missing or extra
// line fails. To extend it, add the details of another package to verdicts.
func TestMessagesMatchTheGoldenFile(t *testing.T) {
	t.Parallel()
	var got bytes.Buffer
	for _, v := range append(verdicts(), nodeVerdicts(t)...) {
		writeMessages(t, &got, v)
	}
	writeResponses(t, &got)
	golden := filepath.Join("testdata", "messages.golden")
	if os.Getenv(updateGolden) != "" {
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatalf("updating: %v", err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatalf("reading: %v (%s=1 writes it)", err, updateGolden)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("messages differ (-want +got; %s=1 accepts them):\n%s", updateGolden, diff)
	}
}

// verdicts returns a verdict for each reason, then one for each detail of these packages, then one for each warning.
func verdicts() []imagepull.Verdict {
	var all []imagepull.Verdict
	for _, reason := range imagepull.Reasons() {
		all = append(all, imagepull.Verdict{Reason: reason})
	}
	for _, image := range []string{
		"", " nginx", "https://nginx", strings.Repeat("a", 64), strings.Repeat("a", 256), strings.Repeat("a", 4097),
		"Nginx", "nginx/", "nginx:", "nginx@sha256:0", "nginx@md5:0",
	} {
		all = append(all, imagepull.Verdict{Reason: imagepull.ReasonInvalidImageName, Detail: podspec.Image(image).ParseError})
	}
	for _, credential := range []imagepull.Credential{
		{}, {Source: "secret/shop/regcred"}, {Source: "secret/shop/regcred", Username: "robot"},
	} {
		all = append(all, credential.Refused())
	}
	for _, reason := range []imagepull.WarningReason{
		imagepull.WarningWrongArchitecture, imagepull.WarningNotAContainerImage,
		imagepull.WarningUnmountedImageVolume, imagepull.WarningNotOnRegistry,
	} {
		warnings := []imagepull.Warning{{Reason: reason, Message: "the message of the warning"}}
		all = append(all,
			imagepull.Verdict{Reason: imagepull.ReasonPullable, Warnings: warnings},
			imagepull.Verdict{Reason: imagepull.ReasonNotFound, Warnings: warnings})
	}
	return all
}

// nodeList is a nodes.Client with one node, or with none.
type nodeList []corev1.Node

func (l nodeList) List(context.Context, metav1.ListOptions) (*corev1.NodeList, error) {
	return &corev1.NodeList{Items: l}, nil
}

func (nodeList) Watch(context.Context, metav1.ListOptions) (watch.Interface, error) {
	return watch.NewFake(), nil
}

// registryVerdict is a preflight.Resolver that returns the same verdict on every image.
type registryVerdict imagepull.Verdict

func (v registryVerdict) Resolve(context.Context, imagepull.Reference, imagepull.Credential) imagepull.Verdict {
	return imagepull.Verdict(v)
}

func (v registryVerdict) Confirm(context.Context, imagepull.Reference, imagepull.Credential) imagepull.Verdict {
	v.Confirmed = true
	return imagepull.Verdict(v)
}

// nodeVerdicts returns the distinct verdicts for states of the nodes, pull policies and responses of the registry.
func nodeVerdicts(t *testing.T) []imagepull.Verdict {
	t.Helper()
	const digest = "@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	newNode := func(names ...string) corev1.Node {
		return corev1.Node{Status: corev1.NodeStatus{Images: []corev1.ContainerImage{{Names: names}}}}
	}
	local := newNode("registry.k8s.io/pause:3.10")
	local.Spec.ProviderID = "kind://docker/kind/a"
	registry := []registryVerdict{
		{Reason: imagepull.ReasonNotFound, Detail: "tag not found"},
		{Reason: imagepull.ReasonAccessDenied, Detail: "access is denied"},
		{Reason: imagepull.ReasonInsecureRegistry, Detail: "the registry speaks plain HTTP"},
	}
	use := podspec.Image(good)
	var all []imagepull.Verdict
	add := func(findings []imagepull.Finding) {
		v := findings[0].Verdict
		if !slices.ContainsFunc(all, func(other imagepull.Verdict) bool { return cmp.Equal(v, other) }) {
			all = append(all, v)
		}
	}
	for _, cluster := range []nodeList{
		nil, {newNode(good)}, {newNode("registry.example/shop/web"+digest, good)}, {newNode("registry.example/shop/api" + digest)}, {local}, {{}},
	} {
		snapshot, err := nodes.List(t.Context(), cluster, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, response := range registry {
			checker := preflight.New(preflight.Options{Resolver: response, Credentials: secrets.Files(nil), Nodes: snapshot})
			use.PullPolicy = imagepull.PullIfNotPresent
			add(checker.Check(t.Context(), imagepull.Pod{Uses: []imagepull.Use{use}}, nil))
		}
		use.PullPolicy = imagepull.PullNever
		add(preflight.New(preflight.Options{Nodes: snapshot}).Check(t.Context(), imagepull.Pod{Uses: []imagepull.Use{use}}, nil))
	}
	return all
}

// writeMessages writes the denial, the warning and the row of the table for a verdict.
func writeMessages(t *testing.T, w *bytes.Buffer, v imagepull.Verdict) {
	t.Helper()
	f := imagepull.Finding{
		Use: imagepull.Use{
			Kind: imagepull.Container, Name: "web", Image: "registry.example/shop/web:1",
		},
		Verdict: v,
	}
	var table strings.Builder
	if err := report.WriteTable(&table, report.Report{Entries: []report.Entry{{Finding: f}}}, false); err != nil {
		t.Fatalf("writing the table: %v", err)
	}
	_, rows, _ := strings.Cut(table.String(), "\n")
	rows, _, _ = strings.Cut(rows, "\n\n")
	fmt.Fprintf(w, "%s, %s\n", v.Outcome(), v.Reason)
	fmt.Fprintf(w, "  denial:  %s\n  warning: %s\n", report.Line(f), report.Warning(f))
	for row := range strings.Lines(rows + "\n") {
		fmt.Fprintf(w, "  table:   %s", row)
	}
}

// writeResponses writes the messages of the handler itself.
func writeResponses(t *testing.T, w *bytes.Buffer) {
	t.Helper()
	images := make([]string, 65)
	for i := range images {
		images[i] = absent
	}
	deny := newFixture(policy.ModeEnforce).review(t, create("Pod", podOf(images...)))
	lines := strings.Split(deny.Result.Message, "\n")
	fmt.Fprintf(w, "a denial of 65 images\n  %s\n  …\n  %s\n", lines[0], lines[len(lines)-1])

	panicking := newFixture(policy.ModeEnforce)
	panicking.checker.panicking = "text"
	writeWarnings(t, w, "a panic", panicking, create("Pod", podOf(good)))
	for _, object := range []string{
		"null", `"text"`, "{}", `{"apiVersion":"v1","kind":"Pod","spec":{"containers":"text"}}`, `{"apiVersion":"v1","kind":"Service"}`,
	} {
		writeWarnings(t, w, "the object "+object, newFixture(policy.ModeEnforce), create("Pod", object))
	}
	writeWarnings(t, w, "an unknown mode", newFixture(policy.ModeEnforce),
		create("Namespace", `{"metadata":{"labels":{"pullgate.dev/mode":"strict"}}}`))

	recorder := newFixture(policy.ModeEnforce).serve(t, webhook.Path, "application/json", "{}")
	fmt.Fprintf(w, "an invalid review\n  %d %s: %s", recorder.Code, http.StatusText(recorder.Code), recorder.Body)
}

func writeWarnings(t *testing.T, w *bytes.Buffer, name string, f *fixture, request admissionv1.AdmissionRequest) {
	t.Helper()
	fmt.Fprintln(w, name)
	for _, warning := range f.review(t, request).Warnings {
		fmt.Fprintf(w, "  warning: %s\n", warning)
	}
}
