//go:build race

package webhook_test

// underRace means that the race detector runs. A sync.Pool then drops values at random, so that more memory is allocated.
const underRace = true
