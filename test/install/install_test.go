//go:build install

package install

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/pullgate/pullgate/webhook/config"
)

// TestInstall shares one API server. Its parts run one after the other, because an installation has objects of the whole cluster.
func TestInstall(t *testing.T) {
	t.Parallel()
	c := startCluster(t)
	t.Run("the API server accepts every rendering", func(t *testing.T) { testDryRun(t, c) })
	t.Run("install.yaml", func(t *testing.T) { testInstallYAML(t, c) })
	t.Run("Helm", func(t *testing.T) { testHelm(t, c) })
	t.Run("Helm adopts the objects of install.yaml", func(t *testing.T) { testAdoption(t, c) })
}

// testDryRun sends the objects of every rendering to the API server, which validates them and stores none. An unknown field is an
// error. The API server does not have the kinds of cert-manager.
func testDryRun(t *testing.T, c *cluster) {
	for _, name := range []string{namespace, "shop"} {
		object := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{
			"pod-security.kubernetes.io/warn": "restricted",
		}}}
		if _, err := c.client.CoreV1().Namespaces().Create(t.Context(), object, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.must(t, c.kubectl(t, "", "delete", "namespace", name)) })
	}
	for name, r := range renderings() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rendered := c.must(t, c.template(t, r.values))
			documents := slices.DeleteFunc(strings.Split(rendered, "\n---\n"), func(d string) bool {
				return strings.Contains(d, "apiVersion: cert-manager.io/")
			})
			got := c.kubectl(t, strings.Join(documents, "\n---\n"), "apply", "--server-side", "--dry-run=server", "--force-conflicts",
				"--validate=strict", "--filename=-")
			if got.err != nil {
				t.Fatalf("%v\n%s", got.err, got.stderr)
			}
			if warned := strings.Contains(got.stderr, "Warning"); warned != (r.warning != "") || !strings.Contains(got.stderr, r.warning) {
				t.Errorf("got warnings %q, want one with %q", got.stderr, r.warning)
			}
		})
	}
}

// testInstallYAML replaces the objects of an older installation, whose ConfigMap had no hash, changes the configuration, and
// removes everything.
func testInstallYAML(t *testing.T, c *cluster) {
	before := c.snapshot(t)
	c.must(t, c.kubectl(t, "", "apply", "--filename=testdata/before-hashed-configmap.yaml"))
	c.must(t, c.make(t, "install", "IMG=registry.example/pullgate:dev"))
	deployment := c.deployment(t)
	if got := deployment.image; got != "registry.example/pullgate:dev" {
		t.Errorf("the image is %s", got)
	}
	if again := c.must(t, c.kubectl(t, "", "diff", "--filename="+filepath.Join(root, "bin/manifests/install.yaml"))); again != "" {
		t.Errorf("a second apply would change objects:\n%s", again)
	}
	c.must(t, c.make(t, "install", "OVERLAY=manifests/all-namespaces"))
	if changed := c.deployment(t); changed.configMap == deployment.configMap || !hash.MatchString(changed.configMap) {
		t.Errorf("the Deployment mounts the ConfigMap %s after a change of the configuration, and %s before", changed.configMap, deployment.configMap)
	}

	// As Pullgate does with its rights.
	c.must(t, c.kubectl(t, "", "--namespace="+namespace, "create", "secret", "generic", "pullgate-certs", "--from-literal=tls.crt=a"))
	c.must(t, c.make(t, "uninstall"))
	if diff := cmp.Diff(before, c.snapshot(t)); diff != "" {
		t.Errorf("objects (-before the installation +after the removal):\n%s", diff)
	}
	c.must(t, c.make(t, "uninstall"))
}

// testHelm installs, upgrades, rolls back and uninstalls the release.
func testHelm(t *testing.T, c *cluster) {
	before := c.snapshot(t)
	release := []string{"pullgate", chart, "--namespace=" + namespace}
	notes := c.must(t, c.helm(t, append([]string{"install", "--create-namespace"}, release...)...))
	if !strings.Contains(notes, "kubectl label namespace NAMESPACE pullgate.dev/mode=enforce") {
		t.Errorf("the notes do not name the next step:\n%s", notes)
	}
	first := c.deployment(t)

	// Pullgate writes these two fields.
	bundle := `{"webhooks":[{"name":"pods.pullgate.dev","clientConfig":{"caBundle":"` + authority + `"}}]}`
	c.must(t, c.kubectl(t, "", "patch", "validatingwebhookconfiguration", "pullgate", "--field-manager=pullgate", "--patch="+bundle))
	c.must(t, c.kubectl(t, "", "--namespace="+namespace, "patch", "secret", "pullgate-certs", "--field-manager=pullgate",
		`--patch={"data":{"tls.crt":"YQ=="}}`))

	c.must(t, c.helm(t, append([]string{"upgrade", "--set=config.defaultMode=audit"}, release...)...))
	second := c.deployment(t)
	if second.checksum == first.checksum || second.configuration.DefaultMode != "audit" {
		t.Errorf("the upgrade keeps the pods: checksum %s, configuration %v", second.checksum, second.configuration)
	}
	if got := c.helm(t, append([]string{"upgrade", "--set=replicas=two"}, release...)...); got.err == nil {
		t.Error("an upgrade with a wrong value succeeds")
	}
	if diff := cmp.Diff(second, c.deployment(t), cmp.AllowUnexported(deployment{})); diff != "" {
		t.Errorf("after the failed upgrade (-want +got):\n%s", diff)
	}

	c.must(t, c.helm(t, "rollback", "pullgate", "1", "--namespace="+namespace))
	if diff := cmp.Diff(first, c.deployment(t), cmp.AllowUnexported(deployment{})); diff != "" {
		t.Errorf("after the rollback (-want +got):\n%s", diff)
	}
	webhooks, err := c.client.AdmissionregistrationV1().ValidatingWebhookConfigurations().Get(t.Context(), "pullgate", metav1.GetOptions{})
	if err != nil || len(webhooks.Webhooks[0].ClientConfig.CABundle) == 0 {
		t.Errorf("upgrade and rollback remove the authority that Pullgate wrote: %v", err)
	}
	secret, err := c.client.CoreV1().Secrets(namespace).Get(t.Context(), "pullgate-certs", metav1.GetOptions{})
	if err != nil || len(secret.Data) == 0 {
		t.Errorf("upgrade and rollback remove the certificate that Pullgate wrote: %v", err)
	}

	c.must(t, c.helm(t, "uninstall", "pullgate", "--namespace="+namespace))
	want := append(slices.Clone(before), "namespaces//"+namespace) // Helm created it, and never deletes one
	slices.Sort(want)
	if diff := cmp.Diff(want, c.snapshot(t)); diff != "" {
		t.Errorf("objects (-before the installation +after the removal):\n%s", diff)
	}
	c.must(t, c.kubectl(t, "", "delete", "namespace", namespace))
}

// testAdoption installs the chart over the objects of install.yaml. Selectors cannot be changed, so that they must be equal.
func testAdoption(t *testing.T, c *cluster) {
	before := c.snapshot(t)
	c.must(t, c.make(t, "install"))
	c.must(t, c.helm(t, "install", "pullgate", chart, "--namespace="+namespace, "--take-ownership", "--force-conflicts"))
	if got := c.deployment(t); got.configMap != "pullgate-config" || got.checksum == "" {
		t.Errorf("the Deployment is not the one of the chart: %v", got)
	}
	c.must(t, c.helm(t, "uninstall", "pullgate", "--namespace="+namespace))
	c.must(t, c.kubectl(t, "", "delete", "namespace", namespace))
	if diff := cmp.Diff(before, c.snapshot(t)); diff != "" {
		t.Errorf("objects (-before the installation +after the removal):\n%s", diff)
	}
}

// authority is an authority in PEM, in base64. Its certificate is never used.
const authority = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t"

// deployment has the fields of the Deployment and of its ConfigMap that the tests compare.
type deployment struct {
	image, configMap, checksum string
	configuration              config.Configuration
}

func (c *cluster) deployment(t *testing.T) deployment {
	t.Helper()
	object, err := c.client.AppsV1().Deployments(namespace).Get(t.Context(), "pullgate", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	spec := object.Spec.Template.Spec
	configMap, err := c.client.CoreV1().ConfigMaps(namespace).Get(t.Context(), spec.Volumes[0].ConfigMap.Name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := config.Load([]byte(configMap.Data["config.yaml"]))
	if err != nil {
		t.Fatal(err)
	}
	return deployment{spec.Containers[0].Image, configMap.Name, object.Spec.Template.Annotations["checksum/config"], loaded}
}

// make runs a target of the Makefile, without building kustomize again.
func (c *cluster) make(t *testing.T, args ...string) result {
	t.Helper()
	program, err := exec.LookPath("make")
	if err != nil {
		t.Fatal(err)
	}
	kubectl, err := filepath.Abs(filepath.Join(assets(), "kubectl"))
	if err != nil {
		t.Fatal(err)
	}
	return c.run(t, "", program, append([]string{"--directory=" + root, "--old-file=bin/kustomize", "KUBECTL=" + kubectl}, args...)...)
}
