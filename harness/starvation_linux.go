package harness

import (
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"halfopen/harness/internal/actor"
	"halfopen/harness/trace"
)

// starvedEvery is the time between two looks at the programs of a lab. What a program waits that ends
// before the next look is not seen.
const starvedEvery = 50 * time.Millisecond

// watchStarvation looks at the programs of a scenario until stop is called, which waits for the
// look in progress. Programs of an actor that has ended still belong to it.
func (l *lab) watchStarvation() (stop func()) {
	if !l.Scenario.RunsPrograms() || !actor.ShowsRunQueue() {
		return func() {}
	}
	actors := map[int]string{}
	for _, a := range l.actors {
		actors[a.process.PID] = a.Name
	}
	over, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		s := &starvation{late: func(actor string, due, done time.Duration) {
			l.late.add(trace.LateProgram, actor, due, done)
		}}
		owners := map[int]string{}
		ticker := time.NewTicker(starvedEvery)
		defer ticker.Stop()
		defer s.finish()
		for {
			owners = ownersOf(actors, owners)
			s.saw(l.Clock.Now(), threadsOf(owners))
			select {
			case <-ticker.C:
			case <-over:
				return
			}
		}
	}()
	return sync.OnceFunc(func() {
		close(over)
		<-done
	})
}

// ownersOf returns the processes of programs with the actor of each: the processes below those of the
// actors, and what an earlier look found that now belongs to this process, as the one that started it
// has ended.
func ownersOf(actors, before map[int]string) map[int]string {
	owners := map[int]string{}
	var below func(pid int, name string)
	below = func(pid int, name string) {
		for _, child := range childrenOf(pid) {
			if _, known := owners[child]; !known && actors[child] == "" {
				owners[child] = name
				below(child, name)
			}
		}
	}
	for pid, name := range actors {
		below(pid, name)
	}
	for _, child := range childrenOf(os.Getpid()) {
		if name, known := before[child]; known {
			owners[child] = name
			below(child, name)
		}
	}
	return owners
}

// threadsOf returns the threads of processes. Those that end meanwhile are missing.
func threadsOf(owners map[int]string) []waiting {
	var all []waiting
	for pid, name := range owners {
		task := fmt.Sprintf("/proc/%d/task", pid)
		for _, thread := range numbersIn(task) {
			waited, ok := actor.RunDelay(filepath.Join(task, strconv.Itoa(thread), "schedstat"))
			if ok {
				all = append(all, waiting{thread, name, waited})
			}
		}
	}
	return all
}

// mostThreads is how many threads of a process are looked at.
const mostThreads = 256

// numbersIn returns the names of a directory that are numbers, at most mostThreads.
func numbersIn(dir string) []int {
	f, err := os.Open(dir)
	if err != nil {
		return nil
	}
	defer f.Close()
	names, _ := f.Readdirnames(mostThreads) // on an error, those read so far
	return numbers(slices.Values(names))
}

// childrenOf returns the processes that a process has started, and those that it has inherited.
func childrenOf(pid int) []int {
	var all []int
	for _, thread := range numbersIn(fmt.Sprintf("/proc/%d/task", pid)) {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, thread)) // "" if it has ended
		all = append(all, numbers(strings.FieldsSeq(string(text)))...)
	}
	return all
}

func numbers(texts iter.Seq[string]) []int {
	var all []int
	for text := range texts {
		if n, err := strconv.Atoi(text); err == nil {
			all = append(all, n)
		}
	}
	return all
}
