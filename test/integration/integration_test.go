package integration

import "testing"

// TestIntegration is the one test of the package, because all of it shares one control plane.
func TestIntegration(t *testing.T) {
	e := newEnvironment(t)

	// These touch what everybody shares, or count what everybody does: one after the other, and first.
	t.Run("calls", func(t *testing.T) { testCalls(t, e) })
	t.Run("self-signed certificate", func(t *testing.T) { testSelfSigned(t, e) })
	t.Run("opt-out", func(t *testing.T) { testOptOut(t, e) })
	t.Run("outage", func(t *testing.T) { testOutage(t, e) })

	t.Run("together", func(t *testing.T) {
		for name, test := range map[string]func(*testing.T, *environment){
			"access":            testAccess,
			"audit annotations": testAuditAnnotations,
			"cert-dir":          testCertDir,
			"credentials":       testCredentials,
			"deadline":          testDeadline,
			"dry run":           testDryRun,
			"goroutines":        testGoroutines,
			"installation":      testInstallation,
			"label at run time": testLabelAtRunTime,
			"local registry":    testLocalRegistry,
			"metrics":           testMetrics,
			"mode label":        testModeLabel,
			"modes":             testModes,
			"nodes":             testNodes,
			"pods":              testPods,
			"reviews":           testReviews,
			"shutdown":          testShutdown,
			"unreadable secret": testUnreadableSecret,
			"updates":           testUpdates,
			"workloads":         testWorkloads,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(t, e)
			})
		}
	})

	// What must never have happened, whatever the tests above were about.
	t.Run("aftermath", func(t *testing.T) { testAftermath(t, e) })
}
