package cluster

import "path/filepath"

// etcd does not sync its data, because the data does not outlive the cluster.
func (p Plan) etcd() daemon {
	const peer = "http://127.0.0.1:2380"
	return daemon{path: filepath.Join(p.Assets, "etcd"), args: []string{
		"--data-dir=" + p.path("etcd"), "--unsafe-no-fsync",
		"--listen-client-urls=" + etcdURL, "--advertise-client-urls=" + etcdURL,
		"--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer, "--initial-cluster=default=" + peer,
	}}
}

func (p Plan) apiServer() daemon {
	return daemon{path: filepath.Join(p.Assets, "kube-apiserver"), args: []string{
		"--etcd-servers=" + etcdURL,
		"--bind-address=0.0.0.0", "--secure-port=6443", "--advertise-address=" + nodeIP,
		// The API server connects to a webhook's pods directly, so it need not use kube-proxy.
		"--enable-aggregator-routing=true",
		"--cert-dir=" + p.path("pki", "generated"),
		"--tls-cert-file=" + p.path("pki", "kube-apiserver.crt"),
		"--tls-private-key-file=" + p.path("pki", "kube-apiserver.key"),
		"--client-ca-file=" + p.path("pki", "ca.crt"),
		"--service-account-key-file=" + p.path("pki", "service-accounts.crt"),
		"--service-account-signing-key-file=" + p.path("pki", "service-accounts.key"),
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-cluster-ip-range=" + serviceNetwork,
		"--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction", "--allow-privileged=true",
		"--kubelet-preferred-address-types=InternalIP",
	}}
}

func (p Plan) controllerManager() daemon {
	return p.ofKubernetes("kube-controller-manager",
		"--service-account-private-key-file="+p.path("pki", "service-accounts.key"),
		"--root-ca-file="+p.path("pki", "ca.crt"),
		"--use-service-account-credentials", "--leader-elect=false", "--bind-address=127.0.0.1",
		// With the lower default limits, the service account appears after five seconds, and pods are rejected until
		// then.
		"--kube-api-qps=500", "--kube-api-burst=1000",
	)
}

func (p Plan) scheduler() daemon {
	return p.ofKubernetes("kube-scheduler", "--leader-elect=false", "--bind-address=127.0.0.1")
}

func (p Plan) proxy() daemon {
	return p.ofKubernetes("kube-proxy", "--hostname-override="+nodeName, "--proxy-mode=iptables",
		// The kernel allows these settings only in the machine's first network namespace.
		"--conntrack-max-per-core=0", "--conntrack-tcp-timeout-established=0", "--conntrack-tcp-timeout-close-wait=0",
		"--healthz-bind-address=127.0.0.1:10256", "--metrics-bind-address=127.0.0.1:10249",
	)
}

func (p Plan) containerd() daemon {
	return daemon{path: filepath.Join(p.Programs, "containerd"), args: []string{"--config", p.path("etc", "containerd.toml")}}
}

func (p Plan) kubelet() daemon {
	args := []string{
		"--config=" + p.path("etc", "kubelet.yaml"), "--hostname-override=" + nodeName, "--node-ip=" + nodeIP,
		"--root-dir=" + p.path("kubelet"), "--cert-dir=" + p.path("kubelet", "pki"), "--v=2",
	}
	if providers := p.CredentialProviders; providers.Config != "" {
		args = append(args, "--image-credential-provider-config="+providers.Config,
			"--image-credential-provider-bin-dir="+providers.BinDir)
	}
	return p.ofKubernetes("kubelet", args...)
}

// ofKubernetes returns a program that authenticates as the user of the same name.
func (p Plan) ofKubernetes(name string, args ...string) daemon {
	args = append([]string{"--kubeconfig=" + p.kubeconfig(name)}, args...)
	return daemon{path: filepath.Join(p.Programs, name), args: args}
}
