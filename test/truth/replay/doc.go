// Package replay checks every scenario of package truth with Pullgate's engine, without a cluster. The engine's findings must
// agree with the recorded outcome of the kubelet.
package replay
