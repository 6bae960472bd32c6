package cluster

import (
	"fmt"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// user is a client of the API server with a certificate.
type user struct {
	// file is the name of the user's kubeconfig.
	file   string
	name   string
	groups []string
}

// users returns the administrator and the programs of Kubernetes, each with minimal permissions.
func users() []user {
	return []user{
		{file: "admin", name: "admin", groups: []string{"system:masters"}},
		{file: "kube-controller-manager", name: "system:kube-controller-manager"},
		{file: "kube-scheduler", name: "system:kube-scheduler"},
		{file: "kube-proxy", name: "system:kube-proxy"},
		{file: "kubelet", name: "system:node:" + nodeName, groups: []string{"system:nodes"}},
	}
}

// kubeconfig returns the path of a user's kubeconfig.
func (p Plan) kubeconfig(file string) string { return p.path("kube", file+".kubeconfig") }

// writeKeys writes the keys and certificates of the control plane, and a kubeconfig for each user.
func (p Plan) writeKeys() error {
	ca, err := newAuthority()
	if err != nil {
		return err
	}
	server, err := ca.server(nodeIP, serviceIP, "127.0.0.1", "localhost", "kubernetes.default.svc")
	if err != nil {
		return err
	}
	accounts, err := serviceAccountKeys()
	if err != nil {
		return err
	}
	for name, keys := range map[string]pair{"kube-apiserver": server, "service-accounts": accounts, "ca": {cert: ca.pem()}} {
		if err := keys.write(p.path("pki"), name); err != nil {
			return err
		}
	}
	for _, u := range users() {
		if err := p.writeKubeconfig(ca, u); err != nil {
			return err
		}
	}
	return nil
}

func (p Plan) writeKubeconfig(ca *authority, u user) error {
	keys, err := ca.client(u)
	if err != nil {
		return err
	}
	const name = "pullgate-cluster"
	config := clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{name: {Server: "https://" + apiServer, CertificateAuthorityData: ca.pem()}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{u.name: {ClientCertificateData: keys.cert, ClientKeyData: keys.key}},
		Contexts:       map[string]*clientcmdapi.Context{name: {Cluster: name, AuthInfo: u.name}},
		CurrentContext: name,
	}
	if err := clientcmd.WriteToFile(config, p.kubeconfig(u.file)); err != nil {
		return fmt.Errorf("writing the kubeconfig of %s: %w", u.name, err)
	}
	return nil
}
