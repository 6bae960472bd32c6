package integration

import (
	"context"
	"net/http"
	"testing"

	corev1 "k8s.io/api/core/v1"
	flowcontrolv1 "k8s.io/api/flowcontrol/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// testFlowSchema checks that the API server assigns the requests of the shipped service account to the shipped FlowSchema.
func testFlowSchema(t *testing.T, e *environment) {
	schema := &flowcontrolv1.FlowSchema{ObjectMeta: metav1.ObjectMeta{Name: "pullgate"}}
	e.caller(t).get(schema)
	var matched string
	config := rest.CopyConfig(e.config)
	config.Impersonate = rest.ImpersonationConfig{UserName: webhookUser, Groups: []string{"system:serviceaccounts", "system:authenticated"}}
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			response, err := next.RoundTrip(r)
			if err == nil {
				matched = response.Header.Get(flowcontrolv1.ResponseHeaderMatchedFlowSchemaUID)
			}
			return response, err
		})
	})
	c, err := client.New(config, client.Options{Mapper: e.mapper})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "a request to match the FlowSchema", func(ctx context.Context) bool {
		if err := c.List(ctx, &corev1.NodeList{}, client.Limit(1)); err != nil {
			t.Fatal(err)
		}
		return matched == string(schema.UID)
	})
}
