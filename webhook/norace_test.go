//go:build !race

package webhook_test

// underRace means that the race detector runs.
const underRace = false
