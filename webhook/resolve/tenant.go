package resolve

import "context"

type tenantKey struct{}

// WithTenant says on whose behalf questions are asked, such as that of a namespace. Tenants share what is limited.
func WithTenant(ctx context.Context, tenant string) context.Context {
	return context.WithValue(ctx, tenantKey{}, tenant)
}

// tenantOf returns the tenant, who is nameless unless somebody said otherwise.
func tenantOf(ctx context.Context) string {
	tenant, _ := ctx.Value(tenantKey{}).(string)
	return tenant
}
