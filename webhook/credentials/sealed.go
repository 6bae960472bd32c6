package credentials

// sealed keeps a value from being printed. A function is the one thing that fmt never looks into: it follows a pointer
// where the verb is wrong for it, such as %s, and calls no String method of an unexported field.
// Nil holds the zero value.
type sealed[T any] func() T

func seal[T any](value T) sealed[T] { return func() T { return value } }

func (s sealed[T]) open() T {
	if s == nil {
		var zero T
		return zero
	}
	return s()
}
