// Package monitoring tests the alerts and the dashboard of manifests/monitoring.
//
// The tests without a build tag compare every query with the metrics that Pullgate exports. With the build tag "monitoring", promtool
// runs the unit tests of the alerts. A real Prometheus runs every query of the dashboard, while a real API server and a real Pullgate
// are under load:
//
//	registry ← pullgate serve ← API server ← load
//	                 ↑               ↑
//	             Prometheus (scrapes both) ← queries → dashboard.svg
package monitoring
