package integration

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// testReload changes the configuration of the process that the API server calls, as a kubelet does for a mounted ConfigMap.
func testReload(t *testing.T, e *environment) {
	file := filepath.Join(e.launch.volumes["config"], "config.yaml")
	shipped, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	count := func(result string) float64 {
		return e.pullgate.metrics(t).sum("pullgate_config_reloads_total", `result="`+result+`"`)
	}
	write := func(t *testing.T, text, result string) {
		t.Helper()
		before := count(result)
		writeFile(t, file+".new", []byte(text))
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
		eventually(t, "a reload with result "+result, func(context.Context) bool { return count(result) == before+1 })
	}
	namespace := e.namespace(t, "enforce")
	pod := func() *response {
		got := e.caller(t).create(newPod(namespace, e.registry.expand(imageGone)), client.DryRunAll)
		return &got
	}

	t.Run("a refused file", func(t *testing.T) {
		write(t, string(shipped)+"surprise: true\n", "failure")
		if !pod().denied() {
			t.Error("the former configuration is not in use")
		}
		if e.pullgate.metrics(t).sum("pullgate_config_last_reload_successful") != 0 {
			t.Error("the metric does not show the refused file")
		}
		if !strings.Contains(e.launch.log(t), "surprise: unknown key") {
			t.Error("the log lacks a mistake of the file")
		}
		e.pullgate.awaitReady(t)
	})
	t.Run("an action", func(t *testing.T) {
		write(t, string(shipped)+"actions: {NotFound: warn}\n", "success")
		if got := pod(); got.err != nil || len(got.warnings) != 1 {
			t.Errorf("got %v, warnings %q, want one warning", got.err, got.warnings)
		}
	})
	t.Run("an exempt group", func(t *testing.T) {
		write(t, string(shipped)+"exemptions: {groups: [oncall]}\n", "success")
		if !pod().denied() {
			t.Error("a pod of another group is admitted")
		}
		namespace := e.namespace(t, "enforce")
		c := e.impersonate(t, "alice", "system:masters", "oncall")
		if got := c.create(newPod(namespace, e.registry.expand(imageGone))); got.err != nil || len(got.warnings) > 0 {
			t.Errorf("got %v, warnings %q, want a silent admission", got.err, got.warnings)
		}
		event := e.audit.await(t, "create", "pods", namespace, 1)
		if diff := cmp.Diff(map[string]string{"exempted-by": "group"}, event.of(podsWebhook)); diff != "" {
			t.Errorf("audit annotations (-want +got):\n%s", diff)
		}
	})
	t.Run("the first file again", func(t *testing.T) {
		write(t, string(shipped), "success")
		if !pod().denied() {
			t.Error("the first configuration is not in use")
		}
	})
}

// impersonate returns a client of another user.
func (e *environment) impersonate(t *testing.T, user string, groups ...string) *caller {
	t.Helper()
	w := &warnings{}
	config := rest.CopyConfig(e.config)
	config.WarningHandler = w
	config.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: groups}
	c, err := client.New(config, client.Options{Mapper: e.mapper})
	if err != nil {
		t.Fatalf("making a client: %v", err)
	}
	return &caller{t, c, w}
}
