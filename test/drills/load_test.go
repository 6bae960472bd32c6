//go:build cluster

package drills

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// The load: each namespace has its own clients, and each client creates pods one after the other, as dry runs. The interval bounds
// the load, so that two cores can run the whole cluster beside it.
const (
	clientsPerNamespace = 2
	createInterval      = 40 * time.Millisecond
	// createTimeout exceeds the API server's timeout for Pullgate, and a create that takes longer than lateAfter is late.
	createTimeout = 30 * time.Second
	lateAfter     = 6 * time.Second
)

// ask is a pod of the load, and the right answer to it.
type ask struct {
	image, secret string
	denied        bool
}

// answer is the kind of the API server's answer to one create.
type answer string

const (
	// right is an admission of a good pod without a warning, or the denial of a bad one.
	right answer = "right"
	// indeterminate is an admission with a warning: Pullgate could not check the image.
	indeterminate answer = "indeterminate"
	// unchecked is an admission of a bad pod without any message.
	unchecked answer = "unchecked"
	// denied is the denial of a good pod.
	falseDenial answer = "denied wrongly"
	// failed is a create that the API server refused because it could not call Pullgate.
	failed answer = "failed"
	// unserved is a create that the API server itself could not serve.
	unserved answer = "unserved"
)

// counts are the answers in a period of time.
type counts struct {
	answers map[answer]int
	late    int
	slowest time.Duration
	// examples has one text for each answer that is not right.
	examples map[answer]string
}

func newCounts() counts { return counts{answers: map[answer]int{}, examples: map[answer]string{}} }

// load creates pods until it is stopped.
type load struct {
	stop context.CancelFunc
	done sync.WaitGroup

	mu sync.Mutex
	// total counts all answers. window counts those since the last call of reset.
	total, window counts
}

// startLoad starts the clients of all namespaces.
func (e *environment) startLoad(ctx context.Context) *load {
	ctx, stop := context.WithCancel(ctx)
	l := &load{stop: stop, total: newCounts(), window: newCounts()}
	for _, namespace := range e.namespaces {
		for i := range clientsPerNamespace {
			l.done.Go(func() { l.create(ctx, e, namespace, i) })
		}
	}
	return l
}

// end stops the clients, and returns all counts.
func (l *load) end() counts {
	l.stop()
	l.done.Wait()
	return l.total
}

// create creates the pods of one client.
func (l *load) create(ctx context.Context, e *environment, namespace string, offset int) {
	ticker := time.NewTicker(createInterval)
	defer ticker.Stop()
	for i := offset; ; i++ {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		a := e.asks[i%len(e.asks)]
		begin := time.Now()
		got, text := e.create(ctx, namespace, a)
		if ctx.Err() != nil {
			return
		}
		l.count(got, text, time.Since(begin))
	}
}

func (l *load) count(got answer, text string, took time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range []*counts{&l.total, &l.window} {
		c.answers[got]++
		c.slowest = max(c.slowest, took)
		if took > lateAfter {
			c.late++
		}
		if got != right && c.examples[got] == "" {
			c.examples[got] = text
		}
	}
}

// reset returns the counts since the last call.
func (l *load) reset() counts {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := l.window
	l.window = newCounts()
	return before
}

// create creates a pod as a dry run.
func (e *environment) create(ctx context.Context, namespace string, a ask) (answer, string) {
	ctx, cancel := context.WithTimeout(ctx, createTimeout)
	defer cancel()
	w := &warnings{}
	config := rest.CopyConfig(e.config)
	config.WarningHandler = w
	client, err := kubernetes.NewForConfigAndClient(config, e.http)
	if err != nil {
		return failed, err.Error()
	}
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "drill-"},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: a.image, ImagePullPolicy: corev1.PullAlways}}},
	}
	if a.secret != "" {
		pod.Spec.ImagePullSecrets = []corev1.LocalObjectReference{{Name: a.secret}}
	}
	_, err = client.CoreV1().Pods(namespace).Create(ctx, pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	return classify(a, w.texts, err), strings.TrimSpace(fmt.Sprintf("%s: %v %s", a.image, err, strings.Join(w.texts, "; ")))
}

func classify(a ask, warnings []string, err error) answer {
	isDenied := apierrors.IsForbidden(err) && strings.Contains(err.Error(), `admission webhook "pods.pullgate.dev" denied the request: `)
	var status apierrors.APIStatus
	switch {
	case isDenied && a.denied, err == nil && len(warnings) == 0 && !a.denied:
		return right
	case isDenied:
		return falseDenial
	case err == nil && len(warnings) > 0:
		return indeterminate
	case err == nil:
		return unchecked
	case errors.As(err, &status) && strings.Contains(err.Error(), "failed calling webhook"):
		return failed
	}
	return unserved
}

// warnings collects what the API server sends in Warning headers.
type warnings struct{ texts []string }

// HandleWarningHeader implements rest.WarningHandler. One request calls it, in one goroutine.
func (w *warnings) HandleWarningHeader(_ int, _, text string) { w.texts = append(w.texts, text) }

// String returns the counts in one line, and the examples.
func (c counts) String() string {
	var b strings.Builder
	all := []answer{right, indeterminate, unchecked, falseDenial, failed, unserved}
	for _, a := range all {
		fmt.Fprintf(&b, "%s %d, ", a, c.answers[a])
	}
	fmt.Fprintf(&b, "late %d, slowest %s", c.late, c.slowest.Round(time.Millisecond))
	for _, a := range slices.DeleteFunc(all, func(a answer) bool { return c.examples[a] == "" }) {
		fmt.Fprintf(&b, "\n    %s: %s", a, c.examples[a])
	}
	return b.String()
}
