// Package webhook answers the API server's question whether an object may be stored.
//
// Think of [Handler] as a clerk who must answer before the bell. It reads the object, has the checker foretell its pulls,
// has the policy decide, and words the answer. Whatever goes wrong with the clerk's own work, an object Pullgate can't read
// or a fault in its code, lets the object pass with a warning: only a verdict on an image refuses one.
package webhook
