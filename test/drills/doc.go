// Package drills breaks Pullgate, its registries and the cluster around it, under a load of pod creates on a real node.
//
//	install → load → fault → count unchecked, failed, late and wrong answers → recovery
//
// A fault may cost a check, and never more. No good pod is denied, and no create fails unless the drill is about failurePolicy Fail.
// Denials return soon after the fault. The package has tests only, with the build tag cluster. "make drills" runs them, and
// README.md has the results.
package drills
