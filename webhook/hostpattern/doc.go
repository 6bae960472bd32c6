// Package hostpattern is the one way to name hosts in the configuration: registries to skip, to trust or to keep away from. What
// is written there, and which hosts it means, is the same for all who read it.
package hostpattern
