package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// auditLog is the file with the API server's audit events.
type auditLog string

// auditEvent has the fields of an event that the tests read (kubernetes: staging/src/k8s.io/apiserver/pkg/apis/audit/v1).
type auditEvent struct {
	Verb string `json:"verb"`
	User struct {
		Username string `json:"username"`
	} `json:"user"`
	RequestURI string `json:"requestURI"`
	ObjectRef  struct {
		Resource    string `json:"resource"`
		Subresource string `json:"subresource"`
		Namespace   string `json:"namespace"`
		Name        string `json:"name"`
	} `json:"objectRef"`
	ResponseStatus struct {
		Code int `json:"code"`
	} `json:"responseStatus"`
	Annotations map[string]string `json:"annotations"`
}

// failedOpen reports whether the object was admitted because a call of its webhook failed.
func (e auditEvent) failedOpen() bool {
	for key := range e.Annotations {
		if strings.HasPrefix(key, "failed-open.validating.webhook.admission.k8s.io/") {
			return true
		}
	}
	return false
}

// of returns the annotations of one webhook.
func (e auditEvent) of(webhook string) map[string]string {
	found := map[string]string{}
	for key, value := range e.Annotations {
		if name, ok := strings.CutPrefix(key, webhook+"/"); ok {
			found[name] = value
		}
	}
	return found
}

// events returns the events of the lines that contain the text.
func (l auditLog) events(t *testing.T, text string) []auditEvent {
	t.Helper()
	data, err := os.ReadFile(string(l))
	if err != nil {
		t.Fatal(err)
	}
	var all []auditEvent
	for line := range bytes.Lines(data) {
		if !bytes.Contains(line, []byte(text)) || !bytes.HasSuffix(line, []byte("\n")) {
			continue
		}
		var event auditEvent
		if err := json.Unmarshal(line, &event); err != nil {
			t.Fatalf("reading the audit log: %v", err)
		}
		all = append(all, event)
	}
	return all
}

// await waits for the event of the nth request with this verb and resource in the namespace. An event is written a moment after
// the response.
func (l auditLog) await(t *testing.T, verb, resource, namespace string, n int) auditEvent {
	t.Helper()
	var found []auditEvent
	eventually(t, "an audit event", func(context.Context) bool {
		found = nil
		for _, event := range l.events(t, `"namespace":"`+namespace+`"`) {
			if event.Verb == verb && event.ObjectRef.Resource == resource {
				found = append(found, event)
			}
		}
		return len(found) >= n
	})
	return found[n-1]
}
