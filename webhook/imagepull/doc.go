// Package imagepull defines the vocabulary of Pullgate: the uses of images, and the verdicts on them.
//
//	Use (an image in one place of one object) + Verdict = Finding
//	Verdict has one Reason, a Reason has one Outcome
//	Credential: a set of credentials that the kubelet would try for the image
//
// It holds data and tables only and imports nothing but the standard library, so that every other package can import it:
//
//	v := imagepull.Verdict{Reason: imagepull.ReasonNotFound}
//	v.Outcome() // Unpullable
package imagepull
