// Package config defines the configuration file: its keys, their defaults and their limits.
//
//	file → yaml (known keys, types) → validate (values) → Configuration
//
// Every key is optional: a key that is left out, or has no value, keeps its value in [Default]. [Load] rejects unknown and
// repeated keys, wrong types and values out of range. It reports all mistakes together, each with its line. A
// Configuration from Load needs no further checks.
package config
