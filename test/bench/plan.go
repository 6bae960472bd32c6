package main

import (
	"fmt"
	"time"

	"github.com/pullgate/pullgate/test/bench/stage"
)

// plan is the extent of a run.
type plan struct {
	quick bool
	// rounds is the number of rounds. Each arm runs once in each round.
	rounds int
	// warmRounds is higher, because the slowest responses differ by half from one measurement to the next.
	warmRounds int
	// warmRate leaves most of a core idle, so the server is not overloaded.
	warmRate                               int
	warmFor, capacityFor, coldFor          time.Duration
	conns, pods, registries                int
	references                             int
	floodFor, outageFor, slowFor           time.Duration
	outageRate, outageImages, podsPerFault int
	// counted is the number of reviews for the allocation count.
	counted int
	// nodes are numbers of nodes, beginning with the stage's.
	nodes []int
	// timeouts are timeouts of webhooks: one below the time limit of a single request to a registry, and one above.
	timeouts []time.Duration
}

func planOf(quick bool) plan {
	p := plan{
		quick: quick, rounds: 7, warmRounds: 21, warmRate: 500,
		warmFor: 4 * time.Second, capacityFor: 3 * time.Second, coldFor: 3 * time.Second,
		conns: 8, pods: 1000, registries: 20, references: 10_000,
		floodFor: 20 * time.Second, outageFor: time.Minute, outageRate: 200, outageImages: 50, podsPerFault: 6,
		slowFor: 10 * time.Second, nodes: []int{stage.Nodes, 1000, 5000}, counted: 2000, timeouts: []time.Duration{3 * time.Second, 5 * time.Second},
	}
	if quick {
		p.rounds, p.warmRounds = 2, 2
		p.warmFor, p.capacityFor, p.coldFor = 500*time.Millisecond, 500*time.Millisecond, 500*time.Millisecond
		p.pods, p.registries, p.counted, p.timeouts = 200, 6, 200, p.timeouts[:1]
		p.references, p.floodFor, p.outageFor, p.podsPerFault = 2_000, 2*time.Second, 5*time.Second, 2
		p.slowFor, p.nodes = 4*time.Second, []int{stage.Nodes, 200}
	}
	return p
}

// String describes how reliable the numbers are.
func (p plan) String() string {
	if p.quick {
		return fmt.Sprintf("quick run, %d rounds; it only shows that everything works", p.rounds)
	}
	return fmt.Sprintf("%d rounds, %d for warm latency, each with the arms in random order",
		p.rounds, p.warmRounds)
}
