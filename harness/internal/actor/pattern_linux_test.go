package actor

import (
	"bytes"
	"os"
	"testing"
)

func TestThePatternOfEachSize(t *testing.T) {
	unit := patternPeriod * os.Getpagesize()
	for _, size := range []int{
		0, 1, patternPeriod - 1, patternPeriod, patternPeriod + 1, 1000, mostFilled, mostFilled + 1, 5 * unit, 5*unit + 1,
		6*unit - 1, 64 << 20,
	} {
		data, free := patternOf(size)
		if !bytes.Equal(data, pattern(size)) {
			t.Errorf("%d bytes are not the pattern", size)
		}
		free()
	}
}

func TestALongPatternTakesTheMemoryOfAShortOne(t *testing.T) {
	unit := patternPeriod * os.Getpagesize()
	data, err := repeated(10*unit + 5)
	if err != nil {
		t.Fatal(err)
	}
	data[7] = 99
	for at := 7; at < len(data)-5; at += unit {
		if data[at] != 99 {
			t.Errorf("byte %d has memory of its own", at)
		}
	}
}
