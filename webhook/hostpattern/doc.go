// Package hostpattern parses and matches the patterns of hosts in the configuration.
//
// A pattern is a host name with "*" wildcards, an IP address or, for targets, a network in CIDR notation. A host or address may
// have a port; without one it matches every port.
//
//	list, err := hostpattern.ParseHosts([]string{"*.registry.example", "10.0.0.1:5000"})
//	list.MatchHost("a.registry.example") // true
package hostpattern
