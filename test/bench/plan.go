package main

import (
	"fmt"
	"time"
)

// plan is how much is done of everything.
type plan struct {
	quick bool
	// rounds are those in which all arms take their turns.
	rounds int
	// warmRounds are more, since the slowest of many answers differ from one turn to the next by half.
	warmRounds int
	// warmRate is a load that leaves most of a core idle: latency under it is that of a server at ease.
	warmRate                                 int
	warmFor, capacityFor, coldFor            time.Duration
	conns, pods, registries                  int
	references                               int
	floodFor, outageFor                      time.Duration
	outageRate, outageImages, askedPerFaults int
	// counted is how many reviews allocations are counted over.
	counted int
	// patiences are the timeouts of webhooks: one below what a single request to a registry may take, and one above.
	patiences []time.Duration
}

func planOf(quick bool) plan {
	p := plan{
		quick: quick, rounds: 7, warmRounds: 21, warmRate: 500,
		warmFor: 4 * time.Second, capacityFor: 3 * time.Second, coldFor: 3 * time.Second,
		conns: 8, pods: 1000, registries: 20, references: 10_000,
		floodFor: 20 * time.Second, outageFor: time.Minute, outageRate: 200, outageImages: 50, askedPerFaults: 6,
		counted: 2000, patiences: []time.Duration{3 * time.Second, 5 * time.Second},
	}
	if quick {
		p.rounds, p.warmRounds = 2, 2
		p.warmFor, p.capacityFor, p.coldFor = 500*time.Millisecond, 500*time.Millisecond, 500*time.Millisecond
		p.pods, p.registries, p.counted, p.patiences = 200, 6, 200, p.patiences[:1]
		p.references, p.floodFor, p.outageFor, p.askedPerFaults = 2_000, 2*time.Second, 5*time.Second, 2
	}
	return p
}

// String says what the numbers are worth.
func (p plan) String() string {
	if p.quick {
		return fmt.Sprintf("quick run, %d rounds: it shows that everything works, and no more", p.rounds)
	}
	return fmt.Sprintf("%d rounds, %d for warm latency, in each of which the arms take turns in an order that is drawn",
		p.rounds, p.warmRounds)
}
