// Package certs keeps the serving certificate of the webhook.
//
//	self-signed:   reconciler ─→ Secret ─→ CertDir ─┐
//	                    └──────→ caBundle           ├─→ Serving ─→ server, readiness, metric
//	cert-manager:            mounted Secret ────────┘
//
// [SelfSigned] makes Pullgate its own certificate authority, so that an installation needs the manifests only. Every replica
// runs a reconciler. It creates the Secret if it is absent, renews the pairs in it, writes the serving pair to files, and writes
// the authority to the webhook configuration. The first write to the Secret wins. The files are written by the reconciler,
// since the kubelet updates a mounted Secret a minute or two late. The certificates are issued and verified by
// open-policy-agent/cert-controller. Its own controller is not used: it cannot create the Secret, and ends the process if a
// request fails for a while.
//
// [Serving] is the pair in a directory, from any issuer. An installation with cert-manager uses nothing else of this package:
// with the manifests in this folder, cert-manager issues the same Secret for the same names.
package certs
