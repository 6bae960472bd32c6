package resolve

import "context"

type namespaceKey struct{}

// WithNamespace returns a context for requests on behalf of a namespace. Namespaces share the slots of a [Limiter].
func WithNamespace(ctx context.Context, namespace string) context.Context {
	return context.WithValue(ctx, namespaceKey{}, namespace)
}

// namespaceOf returns the namespace of a context, or "" without one.
func namespaceOf(ctx context.Context) string {
	namespace, _ := ctx.Value(namespaceKey{}).(string)
	return namespace
}
