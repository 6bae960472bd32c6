// Package plugin runs the credential providers of the kubelet: programs that return credentials for one image (kubelet:
// pkg/credentialprovider/plugin).
//
//	repository ─ matchImages ─ cache ─ slot ─ exec ─ CredentialProviderResponse ─ credentials.Keyring
//
// [Providers] reads the configuration that the kubelet has and implements credentials.Provider. A program that fails, or
// does not respond in time, is a problem: the nodes may have credentials that Pullgate could not get.
//
//	providers, err := plugin.New(plugin.Options{Files: os.DirFS(dir), Name: "providers.yaml", BinDir: binDir, Log: log})
//	defer providers.Close()
//	node := credentials.Node{Source: source, Providers: providers}
package plugin
