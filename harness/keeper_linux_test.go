package harness

import (
	"testing"
	"time"

	"halfopen/harness/trace"
)

func TestWhenTheTimeOfALabIsUp(t *testing.T) {
	within := limits{
		silence: 60 * time.Second, whole: 150 * time.Second, late: 10 * time.Second, exit: 5 * time.Second,
		away: time.Second,
	}
	const deadline = 20 * time.Second
	start := message{Event: &trace.Event{T: 3 * time.Second, Start: &trace.Start{}}}
	listened := message{Event: &trace.Event{
		T: 2 * time.Second, Start: &trace.Start{Actor: "server", Step: "listen"},
	}}
	packetAt := func(at time.Duration) message {
		return message{Event: &trace.Event{T: at, Packet: &trace.Packet{}}}
	}
	type heard struct {
		at time.Duration
		m  message
	}
	every := func(step, until time.Duration, m message) (all []heard) {
		for at := step; at <= until; at += step {
			all = append(all, heard{at, m})
		}
		return all
	}
	for _, tt := range []struct {
		name  string
		heard []heard
		// stopped are the times at which the parent goes on after it was stopped.
		stopped []time.Duration
		// released is when the lab is released; 0 for never.
		released time.Duration
		// rests is when nothing more is expected; 0 for never.
		rests time.Duration
		// up is when the time is up, why the error then.
		up  time.Duration
		why string
	}{
		{
			name: "it never says anything",
			up:   60 * time.Second,
			why:  "it did not answer for 60s while it was being built (starting)",
		},
		{
			name:  "it stops while its network is built",
			heard: []heard{{50 * time.Second, message{Doing: "building the network"}}},
			up:    110 * time.Second,
			why:   "it did not answer for 60s while it was being built (building the network)",
		},
		{
			name:  "the first steps of an actor are not the start",
			heard: []heard{{time.Second, listened}},
			up:    61 * time.Second,
			why:   "it did not answer for 60s while it was being built (starting)",
		},
		{
			name: "its deadline counts from the start of its actors",
			heard: []heard{
				{50 * time.Second, message{Doing: "running the actors"}},
				{50 * time.Second, start},
			},
			up:  80 * time.Second,
			why: "it did not end within 10s after its deadline of 20s (running the actors)",
		},
		{
			name: "its deadline counts from the release of a lab that was held while its actors ran",
			heard: []heard{
				{time.Second, start},
				{time.Second, message{Held: true}},
				{500 * time.Second, message{Resumed: 502 * time.Second}},
				{501 * time.Second, packetAt(503 * time.Second)},
			},
			up:  530 * time.Second,
			why: "it did not end within 10s after its deadline of 20s (starting)",
		},
		{
			name: "it does not answer its release",
			heard: []heard{
				{time.Second, start},
				{2 * time.Second, message{Held: true}},
				{500 * time.Second, packetAt(502 * time.Second)},
			},
			released: 600 * time.Second,
			up:       630 * time.Second,
			why:      "it did not end within 10s after its deadline of 20s (starting)",
		},
		{
			name: "many events come late",
			heard: []heard{
				{time.Second, start},
				{30 * time.Second, packetAt(4 * time.Second)},
				{39 * time.Second, packetAt(23 * time.Second)},
			},
			up:  49 * time.Second,
			why: "it did not end within 10s after its deadline of 20s (starting)",
		},
		{
			name: "it is built for ever, piece by piece",
			heard: []heard{
				{50 * time.Second, message{Doing: "making the hosts"}},
				{100 * time.Second, message{Doing: "starting the actors"}},
				{149 * time.Second, message{Doing: "building the network"}},
			},
			up:  150 * time.Second,
			why: "it was not built within 150s (building the network)",
		},
		{
			name: "the building does not count for the run",
			heard: []heard{
				{50 * time.Second, message{Doing: "making the hosts"}},
				{100 * time.Second, message{Doing: "running the actors"}},
				{149 * time.Second, start},
			},
			up:  179 * time.Second,
			why: "it did not end within 10s after its deadline of 20s (running the actors)",
		},
		{
			name: "events from before its deadline come for ever",
			heard: append([]heard{{time.Second, start}},
				every(9*time.Second, 180*time.Second, packetAt(4*time.Second))...),
			up:  181 * time.Second,
			why: "it did not end within 10s after its deadline of 20s (starting)",
		},
		{
			name: "its last events come for ever",
			heard: append([]heard{{time.Second, start}, {2 * time.Second, message{Ending: true}}},
				every(50*time.Second, 150*time.Second, packetAt(4*time.Second))...),
			up:  152 * time.Second,
			why: "it did not end within 150s after its run (collecting its last events)",
		},
		{
			name: "an event shows that the run goes on after its deadline",
			heard: []heard{
				{time.Second, start},
				{25 * time.Second, packetAt(24 * time.Second)},
				{34 * time.Second, packetAt(33*time.Second + time.Nanosecond)},
			},
			up:  34 * time.Second,
			why: "it did not end within 10s after its deadline of 20s (starting)",
		},
		{
			name: "it stops while it ends",
			heard: []heard{
				{time.Second, start},
				{2 * time.Second, message{Ending: true}},
				{40 * time.Second, packetAt(22 * time.Second)},
			},
			up:  100 * time.Second,
			why: "it did not answer for 60s at its end (collecting its last events)",
		},
		{
			name:    "its parent is stopped meanwhile",
			heard:   []heard{{time.Second, start}},
			stopped: []time.Duration{45 * time.Second},
			up:      55 * time.Second,
			why:     "it did not end within 10s after its deadline of 20s (starting)",
		},
		{
			name:    "its parent is stopped twice",
			stopped: []time.Duration{100 * time.Second, 112 * time.Second},
			up:      122 * time.Second,
			why:     "it did not answer for 60s while it was being built (starting)",
		},
		{
			name:    "its parent is stopped for a moment",
			stopped: []time.Duration{40 * time.Second},
			up:      60 * time.Second,
			why:     "it did not answer for 60s while it was being built (starting)",
		},
		{
			name:  "its process stays",
			heard: []heard{{time.Second, start}},
			rests: 2 * time.Second,
			up:    7 * time.Second,
			why:   "its processes did not end within 5s",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			zero := time.Unix(1000, 0)
			k := newKeeper(within, deadline, zero)
			for _, h := range tt.heard {
				if left, why := k.left(zero.Add(h.at)); why != nil {
					t.Fatalf("after %v the time is up: %v, %v left", h.at, why, left)
				}
				k.hear(&h.m, zero.Add(h.at))
			}
			if tt.released > 0 {
				if left, why := k.left(zero.Add(tt.released)); why != nil || left < time.Hour {
					t.Fatalf("while it is held: %v, %v left", why, left)
				}
				k.release(zero.Add(tt.released))
			}
			if tt.rests > 0 {
				k.rest(zero.Add(tt.rests))
			}
			for _, at := range tt.stopped {
				if left, why := k.left(zero.Add(at)); why != nil {
					t.Fatalf("after %v the time is up: %v, %v left", at, why, left)
				}
			}
			const moment = time.Nanosecond
			if n := len(tt.heard); n == 0 || tt.heard[n-1].at < tt.up {
				if left, why := k.left(zero.Add(tt.up - moment)); why != nil || left != moment {
					t.Errorf("a moment before %v: %v left, %v", tt.up, left, why)
				}
			}
			if _, why := k.left(zero.Add(tt.up)); why == nil || why.Error() != tt.why {
				t.Errorf("after %v: %v\nwant %s", tt.up, why, tt.why)
			}
		})
	}
}
