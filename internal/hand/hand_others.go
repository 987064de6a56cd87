//go:build !linux

package hand

import (
	"context"
	"errors"
	"os"
)

var errNotLinux = errors.New("labs need Linux")

// Door is where clients find the labs of this process.
type Door struct{ Name string }

// Open returns an error: there are no labs.
func Open() (*Door, error) { return nil, errNotLinux }

// Add does nothing.
func (*Door) Add(Lab, func([]byte, []*os.File) error) (remove func()) { return func() {} }

// Close does nothing.
func (*Door) Close() error { return nil }

// Labs returns an error: there are no labs.
func Labs() ([]Lab, error) { return nil, errNotLinux }

// Conn is a connection to a lab.
type Conn struct{}

// Pair returns an error: there are no labs.
func Pair() (*Conn, *os.File, error) { return nil, nil, errNotLinux }

// Dial returns an error: there are no labs.
func Dial(*Lab) (*Conn, error) { return nil, errNotLinux }

// Ask returns an error: there are no labs.
func (*Conn) Ask(Request, func(Request) error) (*Reply, error) { return nil, errNotLinux }

// Close does nothing.
func (*Conn) Close() error { return nil }

// Enter returns an error: there are no labs.
func (*Conn) Enter(
	context.Context, Request, [3]*os.File, func(Request, []*os.File) error,
) (*Ended, error) {
	return nil, errNotLinux
}

// CloseAll closes files.
func CloseAll([]*os.File) {}

// AwaitEnter returns an error: there are no labs.
func AwaitEnter(context.Context) error { return errNotLinux }
