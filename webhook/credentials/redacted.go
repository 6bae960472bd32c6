package credentials

// redacted keeps a value from being printed. Package fmt prints the address of a function and never its variables. A
// pointer would not be enough: fmt follows it for some verbs, such as %s, and does not call the String method of an
// unexported field. Nil stands for the zero value.
type redacted[T any] func() T

func redact[T any](value T) redacted[T] { return func() T { return value } }

func (r redacted[T]) reveal() T {
	if r == nil {
		var zero T
		return zero
	}
	return r()
}
