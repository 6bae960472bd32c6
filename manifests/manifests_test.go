// Package manifests_test compares the manifests with the code: names and paths, the minimal rights, and the documented properties
// of an installation. Package test/integration tests them with a real API server.
package manifests_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/pullgate/pullgate/certs"
	"github.com/pullgate/pullgate/webhook"
	"github.com/pullgate/pullgate/webhook/policy"
)

func TestEveryFileDecodesStrictly(t *testing.T) {
	t.Parallel()
	for _, folder := range folders() {
		for _, name := range files(t, folder) {
			path := filepath.Join(folder, name)
			t.Run(path, func(t *testing.T) {
				t.Parallel()
				decodeAny(t, path)
			})
		}
	}
}

// A file that is not listed would not be applied.
func TestKustomizationsListEveryFile(t *testing.T) {
	t.Parallel()
	for _, folder := range folders() {
		t.Run(folder, func(t *testing.T) {
			t.Parallel()
			k := unmarshal[kustomization](t, filepath.Join(folder, "kustomization.yaml"))
			named := []string{"kustomization.yaml"}
			for _, r := range k.Resources {
				if strings.HasSuffix(r, ".yaml") {
					named = append(named, r)
				}
			}
			if !slices.IsSorted(named[1:]) {
				t.Errorf("resources are not in the order of their numbers: %v", named[1:])
			}
			for _, p := range k.Patches {
				named = append(named, p.Path)
			}
			for _, g := range k.ConfigMapGenerator {
				named = append(named, g.Files...)
			}
			slices.Sort(named)
			if diff := cmp.Diff(named, files(t, folder)); diff != "" {
				t.Errorf("files (-named +present):\n%s", diff)
			}
		})
	}
}

func TestFilesAreNamedAfterTheirObject(t *testing.T) {
	t.Parallel()
	for _, folder := range folders() {
		for _, name := range files(t, folder) {
			path := filepath.Join(folder, name)
			if name == "kustomization.yaml" || name == "config.yaml" || strings.HasPrefix(name, "patch-") {
				continue
			}
			match := numbered.FindStringSubmatch(name)
			if match == nil {
				t.Errorf("%s: want a name such as 10-kind.yaml", path)
				continue
			}
			kind := lineValue(t, path, "kind: ")
			if got := strings.ToLower(kind); got != match[1] {
				t.Errorf("%s holds a %s", path, kind)
			}
			if got := lineValue(t, path, "    app.kubernetes.io/name: "); got != certs.ServiceName {
				t.Errorf("%s: got label app.kubernetes.io/name %q, want %q", path, got, certs.ServiceName)
			}
		}
	}
}

// lineValue returns the rest of the first line with the prefix.
func lineValue(t *testing.T, path, prefix string) string {
	t.Helper()
	for line := range strings.Lines(string(read(t, path))) {
		if value, ok := strings.CutPrefix(line, prefix); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func TestNamesAgreeWithTheCode(t *testing.T) {
	t.Parallel()
	var (
		namespace  = decode[*corev1.Namespace](t, "base/00-namespace.yaml")
		service    = decode[*corev1.Service](t, "base/40-service.yaml")
		configMap  = unmarshal[kustomization](t, "base/kustomization.yaml").ConfigMapGenerator[0]
		deployment = loadDeployment(t)
		container  = deployment.Spec.Template.Spec.Containers[0]
		hooks      = loadWebhooks(t)
		serving    = unmarshal[certificate](t, "../certs/40-certificate.yaml")
		client     = hooks.Webhooks[0].ClientConfig.Service
	)
	tests := map[string]struct{ got, want any }{
		"namespace":                       {namespace.Name, certs.Namespace},
		"namespace of the service":        {service.Namespace, certs.Namespace},
		"namespace of the configuration":  {configMap.Namespace, certs.Namespace},
		"namespace of the deployment":     {deployment.Namespace, certs.Namespace},
		"namespace of the called service": {client.Namespace, certs.Namespace},
		"namespace of the certificate":    {serving.Metadata.Namespace, certs.Namespace},
		"service":                         {service.Name, certs.ServiceName},
		"called service":                  {client.Name, certs.ServiceName},
		"secret of the certificate":       {serving.Spec.SecretName, certs.SecretName},
		"first name of the certificate":   {serving.Spec.DNSNames[0], certs.ServerName(certs.Namespace)},
		"webhook configuration":           {hooks.Name, certs.WebhookConfigurationName},

		"mode label": {hooks.Webhooks[0].NamespaceSelector.MatchExpressions[0].Key, policy.LabelMode},

		// Package cmd/pullgate tests the values of the command.
		"webhook path":               {*client.Path, webhook.Path},
		"subcommand":                 {container.Args[0], "serve"},
		"certificate directory":      {mountPath(container, "certs"), container.Env[1].Value},
		"configuration folder":       {mountPath(container, "config"), "/etc/pullgate"},
		"configuration file":         {configMap.Files, []string{"config.yaml"}},
		"mounted configuration":      {deployment.Spec.Template.Spec.Volumes[0].ConfigMap.Name, configMap.Name},
		"liveness path":              {container.LivenessProbe.HTTPGet.Path, "/healthz"},
		"readiness path":             {container.ReadinessProbe.HTTPGet.Path, "/readyz"},
		"port of the service":        {service.Spec.Ports[0].Port, *client.Port},
		"target port of the service": {service.Spec.Ports[0].TargetPort.StrVal, "webhook"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, tc.got); diff != "" {
				t.Errorf("(-code +manifest):\n%s", diff)
			}
		})
	}
}

func mountPath(c corev1.Container, volume string) string {
	for _, m := range c.VolumeMounts {
		if m.Name == volume {
			return m.MountPath
		}
	}
	return ""
}
