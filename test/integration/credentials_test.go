package integration

import (
	"encoding/base64"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const denied = "Unpullable AccessDenied"

// testCredentials checks pull secrets of every type, and pull secrets of service accounts.
func testCredentials(t *testing.T, e *environment) {
	testPodCases(t, e, e.registry.validCases())
	testPodCases(t, e, e.registry.invalidCases())
	testPodCases(t, e, e.registry.accountCases())
}

// validCases are pull secrets that give access to the registry, and missing ones.
func (r *testRegistry) validCases() map[string]podCase {
	return map[string]podCase{
		"dockerconfigjson": {
			images: []string{imagePrivate}, change: listing("regcred"),
			objects: []client.Object{r.pullSecret("regcred")},
		},
		"dockercfg": {
			images: []string{imagePrivate}, change: listing("regcred"),
			objects: []client.Object{r.dockercfg("regcred")},
		},
		"auth field": {
			images: []string{imagePrivate}, change: listing("regcred"),
			objects: []client.Object{r.pullSecret("regcred", `{"auth":"`+base64.StdEncoding.EncodeToString([]byte(username+":"+password))+`"}`)},
		},
		"second of two": {
			images: []string{imagePrivate}, change: listing("stale", "regcred"),
			objects: []client.Object{r.pullSecret("stale", `{"username":"alice","password":"old"}`), r.pullSecret("regcred")},
		},
		"missing, private image": {
			images: []string{imagePrivate}, change: listing("regcred"),
			want: indeterminate("PullSecretMissing", `container "web": image "HEAD…hop/web:1.27" may not be pullable: PullSecretMissing: `+
				`pull secret "regcred" does not exist in namespace "NAMESPACE"; without it, the registry denies access`),
		},
		"missing, public image": {
			images: []string{imagePublic}, change: listing("regcred"),
		},
	}
}

// invalidCases are pull secrets that do not give access.
func (r *testRegistry) invalidCases() map[string]podCase {
	return map[string]podCase{
		"no pull secret": {
			images: []string{imagePrivate},
			want: outcome{
				Denied:  `container "web": image "REGISTRY/shop/web:1.27" cannot be pulled: AccessDenied: the image is private or does not exist, and no pull secret is for it; list a pull secret that gives access in imagePullSecrets`,
				Audited: denied,
			},
		},
		"wrong password": {
			images: []string{imagePrivate}, change: listing("stale"),
			objects: []client.Object{r.pullSecret("stale", `{"username":"alice","password":"old"}`)},
			want: outcome{
				Denied:  `container "web": image "REGISTRY/shop/web:1.27" cannot be pulled: AccessDenied: the credential from secret/NAMESPACE/stale is refused; renew the pull secret or give it access to the repository`,
				Audited: denied,
			},
		},
		"wrong type": {
			images: []string{imagePrivate}, change: listing("regcred"),
			objects: []client.Object{&corev1.Secret{
				ObjectMeta: metav1.ObjectMeta{Name: "regcred"},
				Data:       r.pullSecret("regcred").Data,
			}},
			want: outcome{
				Denied:  `container "web": image "REGISTRY/shop/web:1.27" cannot be pulled: AccessDenied: the image is private or does not exist, and no pull secret is for it; pull secret "regcred": its type is Opaque, not kubernetes.io/dockerconfigjson; list a pull secret that gives access in imagePullSecrets`,
				Audited: denied,
			},
		},
		"not base64, public image": {
			images: []string{imagePublic}, change: listing("broken"),
			objects: []client.Object{r.pullSecret("broken", `{"auth":"%%%"}`)},
			want: outcome{
				Denied:  `container "web": image "REGISTRY/public/web:1.27" cannot be pulled: InvalidPullSecret: pull secret "broken": an auth field is not base64; recreate the pull secret with kubectl create secret docker-registry`,
				Audited: "Unpullable InvalidPullSecret",
			},
		},
		"wrong shape": {
			images: []string{imagePrivate}, change: listing("broken", "regcred"),
			objects: []client.Object{r.pullSecret("broken", `["`+password+`"]`), r.pullSecret("regcred")},
			want: outcome{
				Denied:  `container "web": image "REGISTRY/shop/web:1.27" cannot be pulled: InvalidPullSecret: pull secret "broken": it does not have the shape of a docker config; recreate the pull secret with kubectl create secret docker-registry`,
				Audited: "Unpullable InvalidPullSecret",
			},
		},
	}
}

// accountCases have pull secrets of a service account, which the API server copies into the pod.
func (r *testRegistry) accountCases() map[string]podCase {
	account := &corev1.ServiceAccount{
		ObjectMeta:       metav1.ObjectMeta{Name: "builder"},
		ImagePullSecrets: []corev1.LocalObjectReference{{Name: "regcred"}},
	}
	return map[string]podCase{
		"service account": {
			images:  []string{imagePrivate},
			change:  func(pod *corev1.Pod) { pod.Spec.ServiceAccountName = "builder" },
			objects: []client.Object{account, r.pullSecret("regcred")},
		},
		"service account, and another one in the pod": {
			images: []string{imagePublic, imagePrivate},
			change: func(pod *corev1.Pod) {
				pod.Spec.ServiceAccountName = "builder"
				listing("other")(pod)
			},
			objects: []client.Object{account, r.pullSecret("regcred"), r.otherRegistry("other")},
			want: outcome{
				Denied:  `container "web-more": image "REGISTRY/shop/web:1.27" cannot be pulled: AccessDenied: the image is private or does not exist, and no pull secret is for it; list a pull secret that gives access in imagePullSecrets`,
				Audited: denied,
			},
		},
	}
}

// listing returns a change that lists the pull secrets in the pod.
func listing(names ...string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		for _, name := range names {
			pod.Spec.ImagePullSecrets = append(pod.Spec.ImagePullSecrets, corev1.LocalObjectReference{Name: name})
		}
	}
}

// dockercfg returns a secret of the old type.
func (r *testRegistry) dockercfg(name string) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Type:       corev1.SecretTypeDockercfg,
		Data: map[string][]byte{
			corev1.DockerConfigKey: []byte(`{"` + r.host + `":{"username":"` + username + `","password":"` + password + `"}}`),
		},
	}
}

// otherRegistry returns a secret for a registry that no test uses.
func (r *testRegistry) otherRegistry(name string) *corev1.Secret {
	secret := r.pullSecret(name)
	secret.Data[corev1.DockerConfigJsonKey] = []byte(`{"auths":{"registry.example":{"username":"alice","password":"x"}}}`)
	return secret
}
