// Package certs is the self-signed default for the webhook's serving certificate: Pullgate is its own certificate
// authority, so that an installation needs nothing but the manifests.
//
// Think of it as two hands and one Secret between them. The rotator (open-policy-agent/cert-controller) fills the
// Secret with an authority and a serving certificate, renews both long before they end, and writes the authority into
// the webhook configuration, so that the API server trusts what it finds. The projector watches that one Secret and
// lays the serving pair out as files the moment it changes, because a Secret that the kubelet mounts may lag a minute
// or two behind, which is how long a new installation would not answer and a rotated one would serve the old pair.
// Every replica does both; they meet in the Secret, where the first to write wins and the others follow.
//
// An installation with cert-manager does without this package: the manifests beside it make cert-manager issue the
// same Secret for the same names.
package certs
