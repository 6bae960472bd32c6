// Package policy turns findings into a decision.
//
// Think of it as two filters in a row. First, each finding asks for an action of its own: the one that its outcome
// stands for, or the one that the operators chose for its reason. Then the namespace's mode caps what was asked: only
// "enforce" lets a denial through, "warn" turns it into a warning, "audit" keeps everything from the caller, and "off"
// forgets it altogether.
//
// The package is pure: the same input gives the same decision, and nothing is read or written on the way.
package policy
