// Package truth holds Pullgate against real nodes: the same scenarios are played to a kubelet with containerd and to
// Pullgate, and what the one did is what the other should have foretold.
//
// Think of a [Scenario] as a short play, one YAML file in scenarios: registries with what they hold and how they
// misbehave, what the node is told of them, secrets, and a pod. A [World] is its stage, and a [Site] is where the stage
// stands: in a cluster of one real node, where package live records what the kubelet does, or in this process alone, where
// Pullgate's tests replay it. [Judge] compares the two, and [WriteReport] writes down how often they agree.
package truth
