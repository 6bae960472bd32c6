// Package certs keeps the self-signed serving certificate of the webhook: Pullgate is its own certificate authority, so that an
// installation needs the manifests only.
//
//	rotator → Secret → secretSync → CertDir → server
//
// The rotator (open-policy-agent/cert-controller) writes the authority and the serving certificate to the Secret, renews both
// before they expire, and writes the authority to the webhook configuration. secretSync watches the Secret and writes the
// serving pair to files. The kubelet updates a mounted Secret a minute or two late: until then a new installation would not
// respond, and a rotated one would serve the old pair. Every replica runs both; the first write to the Secret wins.
//
//	ready, err := certs.SelfSigned(ctx, mgr, certs.Options{CertDir: dir})
//
// An installation with cert-manager does not use this package: with the manifests in this folder, cert-manager issues the same
// Secret for the same names.
package certs
