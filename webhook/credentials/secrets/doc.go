// Package secrets reads the pull secrets of pods: from the API server ([Source]) or from files ([Files]).
//
//	pod ─ names of its pull secrets, or of its service account's ─ Secret objects ─ docker configs ─ credentials.Set
//
// Both types implement credentials.Source and return no error. They decode secrets as the kubelet does (kubelet:
// pkg/credentialprovider/secrets/secrets.go).
//
//	source, err := secrets.NewSource(secrets.Options{Client: clientset.CoreV1()})
//	set := source.Credentials(ctx, pod)
package secrets
