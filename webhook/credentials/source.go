package credentials

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	// Clock tells how old is what is remembered. Nil means the real one.
	Clock clock.PassiveClock
	// MaxRemembered is how many secrets, and how many service accounts, are remembered at most. Zero means 512 of each, which
	// with the limit on the size of one makes 64 MiB at the very worst.
	MaxRemembered int
}

// Source reads the pull secrets of pods from the API server. It is safe for concurrent use.
type Source struct {
	client   Client
	secrets  *memory[contents]
	accounts *memory[[]string]
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
	secrets, err := newMemory(options.Clock, options.MaxRemembered, func(c contents) int { return c.ring.size() })
	if err != nil {
		return nil, fmt.Errorf("making the memory of secrets: %w", err)
	}
	accounts, err := newMemory(options.Clock, options.MaxRemembered, sizeOfNames)
	if err != nil {
		return nil, fmt.Errorf("making the memory of service accounts: %w", err)
	}
	return &Source{client: options.Client, secrets: secrets, accounts: accounts}, nil
}

// Credentials returns what a kubelet would have for the pod. It takes no longer than the context allows; what is not
// read by then is unreadable.
//
// With fresh, all is read now. Ask so before denying: a secret may have been corrected a moment ago, or added to the account.
func (s *Source) Credentials(ctx context.Context, pod imagepull.Pod, fresh bool) Set {
	var set Set
	names := s.names(ctx, pod, fresh, &set)
	rings := make([]Keyring, len(names))
	for i, a := range s.readAll(ctx, pod.Namespace, names, fresh) {
		rings[i] = a.contents.ring
		set.add(names[i], a)
	}
	set.Keyring = merge(rings...)
	return set
}

// readAll gets secrets, at the same time where they have to be asked for.
func (s *Source) readAll(ctx context.Context, namespace string, names []string, fresh bool) []answer {
	answers := make([]answer, len(names))
	var reads sync.WaitGroup
	for i, name := range names {
		of := id{namespace, name}
		if c, ok := s.secrets.recall(of); ok && !fresh {
			answers[i] = answer{contents: c, remembered: true}
			continue
		}
		reads.Go(func() { answers[i] = s.read(ctx, of) })
	}
	reads.Wait()
	return answers
}

// names returns the pull secrets to read, in the pod's order. A name that comes twice is read once, for showing the
// same credential a second time changes nothing; an empty one is passed over, as it is by the kubelet.
func (s *Source) names(ctx context.Context, pod imagepull.Pod, fresh bool, set *Set) []string {
	listed := pod.PullSecrets
	// The API server's ServiceAccount admission plugin does not merge: it copies the account's list or leaves the pod's.
	if len(listed) == 0 && pod.ServiceAccount != "" {
		listed = s.accountNames(ctx, id{pod.Namespace, pod.ServiceAccount}, fresh, set)
	}
	var names []string
	for _, name := range listed {
		if name == "" || slices.Contains(names, name) {
			continue
		}
		if len(names) == maxSecrets {
			set.Unreadable = append(set.Unreadable, Problem{
				Subject: fmt.Sprintf("pull secret %q and those after it", name),
				Detail:  fmt.Sprintf("only the first %d pull secrets of a pod are read", maxSecrets),
			})
			break
		}
		names = append(names, name)
	}
	return names
}

// accountNames returns the pull secrets of the pod's service account. An account that does not exist has none.
func (s *Source) accountNames(ctx context.Context, of id, fresh bool, set *Set) []string {
	if names, ok := s.accounts.recall(of); ok && !fresh {
		set.Remembered = true
		return names
	}
	if !canExist(of.name) {
		return nil
	}
	asked := s.accounts.now()
	account, err := s.client.ServiceAccounts(of.namespace).Get(ctx, of.name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		s.accounts.forget(of)
		return nil
	}
	if err != nil {
		subject := fmt.Sprintf("service account %q", of.name)
		set.Unreadable = append(set.Unreadable, Problem{Subject: subject, Detail: cause(err)})
		return nil
	}
	var names []string
	for _, secret := range account.ImagePullSecrets {
		names = append(names, secret.Name)
	}
	s.accounts.keep(of, names, asked)
	return names
}

// canExist reports whether the API server would store a secret or service account of this name. Pods may list any text,
// and what can't be a name must not become part of a request's path.
func canExist(name string) bool { return len(validation.NameIsDNSSubdomain(name, false)) == 0 }
