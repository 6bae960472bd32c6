//go:build e2e

package e2e

import "testing"

// TestE2E is the one test of the package. Its parts share one installation, and each is as if the one before it had not been,
// but for the last, which removes Pullgate.
func TestE2E(t *testing.T) {
	e := newEnvironment(t)
	e.install(t)

	t.Run("gate", func(t *testing.T) {
		for name, test := range map[string]func(*testing.T, *environment){
			"off: a Deployment hangs":        testDeploymentHangs,
			"on: a pod is refused":           testPodRefused,
			"on: a Deployment is healed":     testDeploymentHeals,
			"on: a Job says why":             testJobSaysWhy,
			"a private image":                testPrivateImage,
			"the kubelet agrees on a secret": testWithoutSecret,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(t, e)
			})
		}
	})
	// These take away what the others need.
	t.Run("registry down", func(t *testing.T) { testRegistryDown(t, e) })
	t.Run("Pullgate rolled out", func(t *testing.T) { testRollout(t, e) })
	t.Run("Pullgate badly upgraded", func(t *testing.T) { testBadUpgrade(t, e) })
	t.Run("Pullgate down", func(t *testing.T) { testPullgateDown(t, e) })
	explain(t)
	t.Run("Pullgate removed", func(t *testing.T) { testUninstall(t, e) })
}
