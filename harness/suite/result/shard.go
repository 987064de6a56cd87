package result

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Shard is a part of a suite that several machines share: the runs of the Index-th of Of machines,
// from 1. The zero Shard is the whole suite.
type Shard struct {
	Index int `json:"index"`
	Of    int `json:"of"`
}

// MostShards is the largest number of shards.
const MostShards = 1000

// ParseShard reads a shard as [Shard.String] writes it: "2/5".
func ParseShard(text string) (Shard, error) {
	index, of, ok := strings.Cut(text, "/")
	if !ok {
		return Shard{}, errors.New("want INDEX/TOTAL, such as 2/5")
	}
	var s Shard
	for _, part := range []struct {
		text string
		n    *int
	}{{index, &s.Index}, {of, &s.Of}} {
		n, err := strconv.Atoi(part.text)
		if err != nil || strconv.Itoa(n) != part.text {
			return Shard{}, errors.New("want INDEX/TOTAL, such as 2/5")
		}
		*part.n = n
	}
	return s, s.Check()
}

// Check refuses shards that cannot be. The zero Shard is one of them.
func (s Shard) Check() error {
	switch {
	case s.Of < 1 || s.Of > MostShards:
		return fmt.Errorf("the number of shards is %d: want 1 to %d", s.Of, MostShards)
	case s.Index < 1 || s.Index > s.Of:
		return fmt.Errorf("the shard is %d of %d: want 1 to %d", s.Index, s.Of, s.Of)
	}
	return nil
}

// IsZero reports whether the suite is not shared.
func (s Shard) IsZero() bool { return s == Shard{} }

func (s Shard) String() string { return fmt.Sprintf("%d/%d", s.Index, s.Of) }
