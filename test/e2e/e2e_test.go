//go:build e2e

package e2e

import "testing"

// TestE2E is the only test of the package, because its parts share one cluster. The parts of the first installation leave it as it
// was, except for the last, which removes Pullgate.
func TestE2E(t *testing.T) {
	e := newEnvironment(t)
	optIn := kustomized("opt-in")
	e.install(t, optIn)

	t.Run("decisions", func(t *testing.T) {
		for name, test := range map[string]func(*testing.T, *environment){
			"mode off: a Deployment hangs":             testDeploymentHangs,
			"mode enforce: a pod is denied":            testPodDenied,
			"mode enforce: a Deployment recovers":      testDeploymentRecovers,
			"mode enforce: a Job has an event":         testJobEvent,
			"a private image needs its secret":         testPrivateImage,
			"the kubelet fails without the secret too": testWithoutSecret,
			"a pull secret may be created later":       testSecretCreatedLater,
			"an image may be loaded onto the node":     testLoadedImage,
			"a Service shadows a registry":             testShadowedRegistry,
			"a registry of the cluster":                testRegistryOfTheCluster,
			"a name of the cluster is not denied":      testNamesOfTheCluster,
			"the API server accepts each overlay":      testOverlays,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(t, e)
			})
		}
	})
	// These stop parts that the others need.
	t.Run("registry down", func(t *testing.T) { testRegistryDown(t, e) })
	t.Run("Pullgate restarted", func(t *testing.T) { testRestarts(t, e) })
	t.Run("Pullgate upgraded and rolled back", func(t *testing.T) { testUpgrade(t, e, optIn) })
	t.Run("Pullgate upgraded to a missing image", func(t *testing.T) { testBadUpgrade(t, e) })
	t.Run("Pullgate down", func(t *testing.T) { testPullgateDown(t, e) })
	logCluster(t)
	t.Run("Pullgate removed", func(t *testing.T) { testUninstall(t, e, optIn) })

	// The other ways to install it.
	for name, other := range map[string]struct {
		installation installation
		test         func(*testing.T, *environment)
	}{
		"installed for all namespaces": {kustomized("opt-out"), testOptOut},
	} {
		t.Run(name, func(t *testing.T) {
			e.install(t, other.installation)
			other.test(t, e)
			logCluster(t)
			testUninstall(t, e, other.installation)
		})
	}
}
