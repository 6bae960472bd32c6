//go:build e2e

package e2e

import (
	"strings"
	"testing"
)

// After its removal, no object of Pullgate exists, and its labels have no effect.
func testUninstall(t *testing.T, e *environment) {
	namespace, image := e.namespace(t, "enforce"), e.registry.missing(t, "shop/removed")
	uninstall(t)
	out, err := run(t, "get", "--all-namespaces", "--selector=app.kubernetes.io/name=pullgate", "--output=name",
		"namespaces,validatingwebhookconfigurations,clusterroles,clusterrolebindings,roles,rolebindings,"+
			"serviceaccounts,secrets,configmaps,services,deployments,pods,poddisruptionbudgets,resourcequotas")
	if err != nil || strings.TrimSpace(out) != "" {
		t.Errorf("after the removal of Pullgate: error %v, and these objects exist:\n%s", err, out)
	}
	e.admit(t, namespace, e.pod(image))
	e.awaitPod(t, namespace, "web", "to fail", hasFailed)
	e.createDeployment(t, namespace, e.registry.push(t, "shop/removed:1.28"))
	kubectl(t, "rollout", "status", "--namespace="+namespace, "--timeout="+timeout.String(), "deployment/web")
}
