// Package hand lets people reach into the labs of other processes of halfopen, by hand: to run
// commands on their hosts, and to switch their faults.
//
// A process with labs has a [Door]: a Unix socket in a folder that only its user can enter. A client
// sends one [Request] to it, and the process passes the client's connection on to the lab, which
// answers by itself. Requests and replies are JSON, a packet each: the two may be of different
// versions. Open files travel with them.
package hand

import (
	"errors"
	"time"
)

// Request is what a client asks for. It is the first packet of its connection.
type Request struct {
	Op Op `json:"op"`
	// Lab is the number of the lab in its process, from 1.
	Lab int `json:"lab,omitempty"`
	// By says who asks. The process with the lab fills it in.
	By string `json:"by,omitempty"`

	// Host belongs to OpEnter and OpSockets, Command to OpEnter. Without a Command, it is Shell, or sh if the lab has no such
	// program.
	Host    string   `json:"host,omitempty"`
	Command []string `json:"command,omitempty"`
	Shell   string   `json:"shell,omitempty"`
	// Terminal asks for a terminal of Rows and Columns for the command; Term is its type. The first
	// reply brings its other side.
	Terminal bool   `json:"terminal,omitempty"`
	Term     string `json:"term,omitempty"`
	Rows     uint16 `json:"rows,omitempty"`
	Columns  uint16 `json:"columns,omitempty"`
	// Fault and On belong to OpSwitch.
	Fault string `json:"fault,omitempty"`
	On    bool   `json:"on,omitempty"`
	// Phrase belongs to OpAdd.
	Phrase string `json:"phrase,omitempty"`

	// Streams are the standard descriptors of the command (0, 1, 2) that come as files with the
	// request, in order. The others are the terminal, or nothing.
	Streams []int `json:"streams,omitempty"`
}

// Op is the kind of a request.
type Op string

// The requests. OpList asks a process for its labs, the others ask a lab: OpEnter to run a command on
// a host, OpFaults for its faults, OpSwitch to switch one, OpAdd to add one. After OpSockets, each packet
// of the client is a [Socket] to be made on a host.
const (
	OpList    Op = "list"
	OpEnter   Op = "enter"
	OpFaults  Op = "faults"
	OpSwitch  Op = "switch"
	OpAdd     Op = "add"
	OpSockets Op = "sockets"
)

// Socket asks for a socket, after OpSockets; the reply brings it. The numbers are those of socket(2).
type Socket struct {
	Domain   int `json:"domain"`
	Type     int `json:"type"`
	Protocol int `json:"protocol"`
}

// Signal is what a client may send after an OpEnter: a signal for the command.
type Signal struct {
	Name string `json:"signal"`
}

// Reply is an answer to a request.
type Reply struct {
	// Error says why the request failed.
	Error string `json:"error,omitempty"`
	// Status is the exit status that the error asks for; 0 means 1.
	Status int `json:"status,omitempty"`
	// Errno is the error of socket(2), or 0.
	Errno int `json:"errno,omitempty"`

	// Labs answer OpList.
	Labs []Lab `json:"labs,omitempty"`
	// Faults answer OpFaults; to OpAdd, only the new one. Same answers OpSwitch: the fault was in that
	// state already.
	Faults []Fault `json:"faults,omitempty"`
	Same   bool    `json:"same,omitempty"`
	// Ended is the second reply to OpEnter; the first is empty, or an error.
	Ended *Ended `json:"ended,omitempty"`
}

// Fault is a fault of a lab.
type Fault struct {
	Name string `json:"name"`
	On   bool   `json:"on"`
	Hits uint64 `json:"hits"`
	// What says which packets it strikes and how, for people.
	What string `json:"what,omitempty"`
}

// Ended says how a command ended.
type Ended struct {
	Exit int `json:"exit"`
	// Signal is the number of the signal that ended it, or 0.
	Signal int `json:"signal,omitempty"`
}

// Status is the exit status of a command as a shell says it.
func (e *Ended) Status() int {
	if e.Signal != 0 {
		return 128 + e.Signal
	}
	return e.Exit
}

// The exit statuses of commands that could not be started, as of a shell.
const (
	StatusCannotRun = 126
	StatusNotFound  = 127
)

// State is what a lab is doing.
type State string

// A lab runs its scenario, or is held for people.
const (
	Running State = "running"
	Held    State = "held"
)

// Lab is a lab as its process describes it.
type Lab struct {
	// Number is its number in its process, ID what people call it. Only the client sets ID.
	Number int    `json:"number"`
	ID     string `json:"-"`
	// Run names the scenario and its case.
	Run   string    `json:"run"`
	State State     `json:"state"`
	Since time.Time `json:"since"`
	Hosts []string  `json:"hosts"`

	// socket is the name of the socket of its process.
	socket string
}

// ErrEnded is the error for a command whose lab is gone, or the process of the lab that ran it.
var ErrEnded = errors.New("the lab has ended, or its process that ran the command was killed")

// Error is an error that the other side has reported.
type Error struct {
	Text string
	// Status is the exit status that it asks for; 0 means 1.
	Status int
}

func (e *Error) Error() string { return e.Text }
