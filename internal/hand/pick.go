package hand

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"halfopen/internal/say"
	"halfopen/internal/spell"
)

// identify sets the IDs of the labs of a process, whose socket has this name: the name, and with
// several labs also their numbers. 3 means the lab of process 3, 3.2 its second one.
func identify(labs []Lab, socket string) {
	for i := range labs {
		labs[i].socket = socket
		labs[i].ID = socket
		if len(labs) > 1 {
			labs[i].ID += "." + strconv.Itoa(labs[i].Number)
		}
	}
}

// Pick returns the lab with an ID. Without one, it is the only lab that is held, or else the only one.
func Pick(labs []Lab, id string) (*Lab, error) {
	if len(labs) == 0 {
		return nil, errors.New("no lab is held or running: halfopen shell NAME holds one")
	}
	if id != "" {
		return withID(labs, id)
	}
	var held []*Lab
	for i := range labs {
		if labs[i].State == Held {
			held = append(held, &labs[i])
		}
	}
	switch {
	case len(held) == 1:
		return held[0], nil
	case len(labs) == 1:
		return &labs[0], nil
	}
	return nil, listed(errors.New("several labs run; name one by --lab ID"), labs)
}

func withID(labs []Lab, id string) (*Lab, error) {
	var ids []string
	for i := range labs {
		l := &labs[i]
		// A lab keeps its number while others of its process come and go.
		if l.ID == id || l.socket+"."+strconv.Itoa(l.Number) == id {
			return l, nil
		}
		ids = append(ids, l.ID)
	}
	return nil, listed(fmt.Errorf("no lab %q%s among these", id, spell.DidYouMean(id, ids)), labs)
}

// mostListed bounds the labs that an error lists.
const mostListed = 40

// listed adds a line for each lab to an error: ID, scenario and case, state, and since when.
func listed(err error, labs []Lab) error {
	lines := []error{err}
	shown := labs[:min(len(labs), mostListed)]
	width := 0
	for i := range shown {
		width = max(width, len(shown[i].ID))
	}
	for i := range shown {
		l := &shown[i]
		lines = append(lines, fmt.Errorf("  %-*s  %s, %s since %s",
			width, l.ID, say.Printable(l.Run), l.State, l.Since.Local().Format(time.TimeOnly)))
	}
	if more := len(labs) - len(shown); more > 0 {
		lines = append(lines, fmt.Errorf("  and %d more", more))
	}
	return errors.Join(lines...)
}
