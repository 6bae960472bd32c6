// Package policy decides on an object from its findings.
//
//	findings → action of each (outcome, or override by reason) → mode of the namespace → Decision
//
// The mode caps the actions: only "enforce" denies, "warn" turns denials into warnings, "audit" sends findings to the audit
// log only, and "off" drops them. [Decide] is pure:
//
//	d := policy.Decide(policy.Input{Mode: policy.ModeEnforce, Findings: findings})
//	d.Allowed() // false if a finding is Unpullable
package policy
