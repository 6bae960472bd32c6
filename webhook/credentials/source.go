package credentials

import (
	"context"
	"errors"
	"fmt"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/utils/clock"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// maxSecrets is how many pull secrets of one pod are read. The API server sets no limit, so that without this one a
// single pod could make Pullgate ask for tens of thousands of names; the rest counts as unreadable, which is a doubt.
const maxSecrets = 64

// Client is what a Source needs of the API server. CoreV1Interface of client-go satisfies it. Only get is used, always
// with a name: a Source needs no right to list or watch secrets.
type Client interface {
	corev1client.SecretsGetter
	corev1client.ServiceAccountsGetter
}

// Options configure a Source.
type Options struct {
	// Client reads secrets and service accounts. It is required.
	Client Client
	// Clock tells how old a remembered secret is. Nil means the real one.
	Clock clock.PassiveClock
	// MaxRemembered is how many secrets are remembered at most. Zero means 512, which with the limit on the size of one
	// makes 32 MiB at the very worst.
	MaxRemembered int
}

// Source reads the pull secrets of pods from the API server. It is safe for concurrent use.
type Source struct {
	client Client
	memory *memory
}

// NewSource returns a Source that reads through the client of the options.
func NewSource(options Options) (*Source, error) {
	if options.Client == nil {
		return nil, errors.New("a client is required")
	}
	if options.Clock == nil {
		options.Clock = clock.RealClock{}
	}
	if options.MaxRemembered == 0 {
		options.MaxRemembered = 512
	}
	m, err := newMemory(options.Clock, options.MaxRemembered)
	if err != nil {
		return nil, fmt.Errorf("making the memory of secrets: %w", err)
	}
	return &Source{client: options.Client, memory: m}, nil
}

// Credentials returns what a kubelet would have for the pod. It takes no longer than the context allows; what is not
// read by then is unreadable.
//
// With fresh, every secret is read now. Ask so before denying: the secret may have been corrected a moment ago.
func (s *Source) Credentials(ctx context.Context, pod imagepull.Pod, fresh bool) Set {
	var set Set
	names := s.names(ctx, pod, &set)
	answers := make([]answer, len(names))
	var reads sync.WaitGroup
	for i, name := range names {
		reads.Go(func() { answers[i] = s.read(ctx, id{pod.Namespace, name}, fresh) })
	}
	reads.Wait()

	var list []entry
	for i, name := range names {
		list = append(list, answers[i].contents.entries...)
		set.add(name, answers[i])
	}
	set.Keyring = newKeyring(list)
	return set
}

// names returns the pull secrets to read, in the pod's order. A name that comes twice is read once, for showing the
// same credential a second time changes nothing; an empty one is passed over, as it is by the kubelet.
func (s *Source) names(ctx context.Context, pod imagepull.Pod, set *Set) []string {
	listed := pod.PullSecrets
	// The API server's ServiceAccount admission plugin does not merge: it copies the account's list or leaves the pod's.
	if len(listed) == 0 && pod.ServiceAccount != "" {
		listed = s.accountNames(ctx, pod, set)
	}
	var names []string
	seen := map[string]bool{"": true}
	for _, name := range listed {
		if !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	if len(names) > maxSecrets {
		set.Unreadable = append(set.Unreadable, Problem{
			Subject: fmt.Sprintf("pull secret %q and those after it", names[maxSecrets]),
			Detail:  fmt.Sprintf("only the first %d pull secrets of a pod are read", maxSecrets),
		})
		names = names[:maxSecrets]
	}
	return names
}

// accountNames returns the pull secrets of the pod's service account. An account that does not exist has none.
func (s *Source) accountNames(ctx context.Context, pod imagepull.Pod, set *Set) []string {
	if !canExist(pod.ServiceAccount) {
		return nil
	}
	account, err := s.client.ServiceAccounts(pod.Namespace).Get(ctx, pod.ServiceAccount, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		subject := fmt.Sprintf("service account %q", pod.ServiceAccount)
		set.Unreadable = append(set.Unreadable, Problem{Subject: subject, Detail: cause(err)})
		return nil
	}
	var names []string
	for _, secret := range account.ImagePullSecrets {
		names = append(names, secret.Name)
	}
	return names
}

// canExist reports whether the API server would store a secret or service account of this name. Pods may list any text,
// and what can't be a name must not become part of a request's path.
func canExist(name string) bool { return len(validation.NameIsDNSSubdomain(name, false)) == 0 }
