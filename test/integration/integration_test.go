package integration

import "testing"

// TestIntegration is the only test of the package, because all its parts share one control plane.
func TestIntegration(t *testing.T) {
	e := newEnvironment(t)

	// These change shared objects or count all calls, so that they run first, one after the other.
	t.Run("calls", func(t *testing.T) { testCalls(t, e) })
	t.Run("self-signed certificate", func(t *testing.T) { testSelfSigned(t, e) })
	t.Run("commands of README", func(t *testing.T) { testReadme(t, e) })
	t.Run("opt-out", func(t *testing.T) { testOptOut(t, e) })
	t.Run("outage", func(t *testing.T) { testOutage(t, e) })
	t.Run("emergencies", func(t *testing.T) { testBreakGlass(t, e) })
	t.Run("reload", func(t *testing.T) { testReload(t, e) })

	t.Run("parallel", func(t *testing.T) {
		for name, test := range map[string]func(*testing.T, *environment){
			"access":             testAccess,
			"audit annotations":  testAuditAnnotations,
			"cert-dir":           testCertDir,
			"changed mode":       testChangedMode,
			"clients":            testClients,
			"credentials":        testCredentials,
			"deadline":           testDeadline,
			"denial events":      testDenialEvents,
			"dry run":            testDryRun,
			"flow schema":        testFlowSchema,
			"goroutines":         testGoroutines,
			"installation":       testInstallation,
			"local registry":     testLocalRegistry,
			"metrics":            testMetrics,
			"mode label":         testModeLabel,
			"modes":              testModes,
			"namespaced secrets": testNamespacedSecrets,
			"nodes":              testNodes,
			"pods":               testPods,
			"reviews":            testReviews,
			"shutdown":           testShutdown,
			"traces":             testTraces,
			"updates":            testUpdates,
			"workloads":          testWorkloads,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(t, e)
			})
		}
	})

	// These check the logs and metrics of the whole run.
	t.Run("final checks", func(t *testing.T) { testFinalChecks(t, e) })
}
