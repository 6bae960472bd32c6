// Package imagepull is the vocabulary of Pullgate: what is asked of a registry, and what can be said of the answer.
//
// Think of it as one sentence. A [Use] is an image reference in one place of one object. Pulling it, a node would try
// each [Credential] in turn; what the registry says becomes a [Verdict], which carries exactly one [Reason], and each
// reason has exactly one [Outcome]. A Use with its Verdict is a [Finding].
//
// The package holds data and its tables only: it imports nothing but the standard library, so that every other package
// can speak it.
package imagepull
