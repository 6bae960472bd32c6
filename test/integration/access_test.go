package integration

import (
	"strings"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
)

// webhookUser is the user name of the shipped service account.
const webhookUser = "system:serviceaccount:pullgate-system:pullgate"

// testAccess checks that the shipped roles allow no more than necessary. The other tests show that they allow enough.
func testAccess(t *testing.T, e *environment) {
	core := func(verb, resource, namespace, name string) authorizationv1.ResourceAttributes {
		return authorizationv1.ResourceAttributes{Verb: verb, Version: "v1", Resource: resource, Namespace: namespace, Name: name}
	}
	webhooks := func(verb, name string) authorizationv1.ResourceAttributes {
		return authorizationv1.ResourceAttributes{
			Verb: verb, Group: "admissionregistration.k8s.io", Version: "v1", Resource: "validatingwebhookconfigurations", Name: name,
		}
	}
	for name, test := range map[string]struct {
		allowed    bool
		attributes authorizationv1.ResourceAttributes
	}{
		"read a pull secret":                    {true, core("get", "secrets", "shop", "regcred")},
		"read a service account":                {true, core("get", "serviceaccounts", "shop", "builder")},
		"watch namespaces":                      {true, core("watch", "namespaces", "", "")},
		"watch nodes":                           {true, core("watch", "nodes", "", "")},
		"watch the local registry":              {true, core("watch", "configmaps", "kube-public", "local-registry-hosting")},
		"watch all public objects":              {false, core("watch", "configmaps", "kube-public", "")},
		"read another public object":            {false, core("get", "configmaps", "kube-public", "cluster-info")},
		"change the local registry":             {false, core("update", "configmaps", "kube-public", "local-registry-hosting")},
		"read a configuration":                  {false, core("get", "configmaps", systemNamespace, "pullgate")},
		"write nodes":                           {false, core("patch", "nodes", "", "node-1")},
		"write the status of nodes":             {false, core("patch", "nodes/status", "", "node-1")},
		"write its own secret":                  {true, core("update", "secrets", systemNamespace, "pullgate-certs")},
		"create its own secret":                 {true, core("create", "secrets", systemNamespace, "")},
		"inject its CA":                         {true, webhooks("patch", "pullgate")},
		"read its own webhooks":                 {true, webhooks("get", "pullgate")},
		"read other webhooks":                   {false, webhooks("get", "other")},
		"list all secrets":                      {false, core("list", "secrets", "", "")},
		"watch secrets":                         {false, core("watch", "secrets", "shop", "")},
		"write another secret in its namespace": {false, core("update", "secrets", systemNamespace, "other")},
		"write a pull secret":                   {false, core("update", "secrets", "shop", "regcred")},
		"list the secrets in its namespace":     {false, core("list", "secrets", systemNamespace, "")},
		"create secrets":                        {false, core("create", "secrets", "shop", "")},
		"delete its own secret":                 {false, core("delete", "secrets", systemNamespace, "pullgate-certs")},
		"label namespaces":                      {false, core("patch", "namespaces", "shop", "")},
		"read pods":                             {false, core("get", "pods", "shop", "web")},
		"create pods":                           {false, core("create", "pods", "shop", "")},
		"request tokens":                        {false, core("create", "serviceaccounts/token", "shop", "builder")},
		"change other webhooks":                 {false, webhooks("patch", "other")},
		"watch all webhooks":                    {false, webhooks("watch", "")},
		"create webhooks":                       {false, webhooks("create", "")},
		"delete its own webhooks":               {false, webhooks("delete", "pullgate")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
				User:               webhookUser,
				Groups:             []string{"system:serviceaccounts", "system:serviceaccounts:" + systemNamespace, "system:authenticated"},
				ResourceAttributes: &test.attributes,
			}}
			c := e.caller(t)
			c.must(c.create(review))
			if review.Status.Allowed != test.allowed {
				t.Errorf("allowed: %v, want %v (%s)", review.Status.Allowed, test.allowed, review.Status.Reason)
			}
		})
	}
}

// testFinalChecks checks the logs and metrics of the whole run.
func testFinalChecks(t *testing.T, e *environment) {
	t.Run("no request of pullgate was forbidden", func(t *testing.T) {
		for _, event := range e.audit.events(t, webhookUser) {
			if event.User.Username == webhookUser && event.ResponseStatus.Code == 403 {
				t.Errorf("%s %s was forbidden", event.Verb, event.RequestURI)
			}
		}
	})
	t.Run("every match condition was evaluated", func(t *testing.T) {
		if n := e.apiServerMetrics(t).sum("apiserver_admission_match_condition_evaluation_errors_total"); n != 0 {
			t.Errorf("the API server counted %v errors", n)
		}
	})
	t.Run("no panic and no secret", func(t *testing.T) {
		for _, word := range []string{"panic", password} {
			if strings.Contains(e.launch.log(t), word) {
				t.Errorf("the log contains %q", word)
			}
			if len(e.audit.events(t, word)) > 0 {
				t.Errorf("the audit log contains %q", word)
			}
		}
	})
	t.Run("the process ends", func(t *testing.T) {
		e.pullgate.terminate(t)
		e.pullgate.awaitExit(t)
	})
}
