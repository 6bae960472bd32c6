//go:build e2e

package e2e

import "testing"

// TestE2E is the only test of the package, because its parts share one installation. Each part leaves the installation as it
// was, except for the last, which removes Pullgate.
func TestE2E(t *testing.T) {
	e := newEnvironment(t)
	e.install(t)

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
			"a name of the cluster is not denied":      testNamesOfTheCluster,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(t, e)
			})
		}
	})
	// These stop parts that the others need.
	t.Run("registry down", func(t *testing.T) { testRegistryDown(t, e) })
	t.Run("Pullgate rolled out", func(t *testing.T) { testRollout(t, e) })
	t.Run("Pullgate upgraded to a missing image", func(t *testing.T) { testBadUpgrade(t, e) })
	t.Run("Pullgate down", func(t *testing.T) { testPullgateDown(t, e) })
	logCluster(t)
	t.Run("Pullgate removed", func(t *testing.T) { testUninstall(t, e) })
}
