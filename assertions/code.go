package assertions

// Code says in a word why a verdict is not a pass. The codes are stable: one may be added, but none is
// renamed, and none comes to mean something else.
type Code string

// The codes of verdicts. [Codes] says what they mean.
const (
	FaultStruckNothing Code = "fault-struck-nothing"
	WrongHits          Code = "wrong-hits"
	SwitchedByHand     Code = "switched-by-hand"

	StepNotReached  Code = "step-not-reached"
	StepNotDone     Code = "step-not-done"
	StepHangs       Code = "step-hangs"
	StepEnded       Code = "step-ended"
	WrongErrno      Code = "wrong-errno"
	WrongResult     Code = "wrong-result"
	WrongBytes      Code = "wrong-bytes"
	WrongText       Code = "wrong-text"
	WrongPeer       Code = "wrong-peer"
	WrongValue      Code = "wrong-value"
	WrongTime       Code = "wrong-time"
	WrongExecutions Code = "wrong-executions"

	ProgramNotRun   Code = "program-not-run"
	ProgramNotReady Code = "program-not-ready"
	ProgramRunning  Code = "program-running"
	ProgramExit     Code = "program-exit"
	NoSuchLine      Code = "no-such-line"
	WrongLines      Code = "wrong-lines"
	WrongCalls      Code = "wrong-calls"

	TooFewPackets  Code = "too-few-packets"
	TooManyPackets Code = "too-many-packets"
	WrongOrder     Code = "wrong-order"
	TooFewDrops    Code = "too-few-drops"
	TooManyDrops   Code = "too-many-drops"
	CounterDiffers Code = "counter-differs"
	NoSuchCounter  Code = "no-such-counter"
	NoSuchReason   Code = "no-such-reason"

	StateNotReached Code = "state-not-reached"
	StateNotHeld    Code = "state-not-held"
	StateSeen       Code = "state-seen"
	WrongPath       Code = "wrong-path"
	WrongSockets    Code = "wrong-sockets"

	NoSuchEvent Code = "no-such-event"
	CannotJudge Code = "cannot-judge"

	Deadline    Code = "deadline"
	LabDied     Code = "lab-died"
	LabHeld     Code = "lab-held"
	RunCanceled Code = "run-canceled"

	NotObserved Code = "not-observed"
	LostReports Code = "lost-reports"
	MachineLate Code = "machine-late"
	MachineFull Code = "machine-full"

	OtherKernel   Code = "other-kernel"
	CannotObserve Code = "cannot-observe"
)

// CodeRow describes a code: Means is a sentence.
type CodeRow struct {
	Code  Code
	Means string
}

// Codes has every code of verdicts, in the order of docs/codes.md.
var Codes = []CodeRow{
	{FaultStruckNothing, "A fault struck no packet, so that the run shows nothing about it."},
	{WrongHits, "A fault struck more or fewer packets than wanted."},
	{SwitchedByHand, "A person changed a fault during the run."},

	{StepNotReached, "The step was never begun, or ended with its process."},
	{StepNotDone, "The step could not be tried at all."},
	{StepHangs, "The step was still in progress when the run ended."},
	{StepEnded, "The step ended, but should hang."},
	{WrongErrno, "The step ended with another error, or with one instead of none."},
	{WrongResult, "The system call returned another number."},
	{WrongBytes, "Another number of bytes was sent or received."},
	{WrongText, "A text is another one: what came, what a program printed, a checksum."},
	{WrongPeer, "The socket has another peer."},
	{WrongValue, "A value that the step read is another one."},
	{WrongTime, "Something came too early or too late, or took too short or too long."},
	{WrongExecutions, "The step was done more or fewer times than wanted."},

	{ProgramNotRun, "The program did not run."},
	{ProgramNotReady, "The program did not get ready in time."},
	{ProgramRunning, "The program still ran when the run ended."},
	{ProgramExit, "The program ended with another exit status or signal."},
	{NoSuchLine, "No line that the program printed is as wanted."},
	{WrongLines, "The program printed more or fewer such lines than wanted."},
	{WrongCalls, "The program made more or fewer such system calls than wanted."},

	{TooFewPackets, "Fewer packets match than wanted, or none."},
	{TooManyPackets, "More packets match than wanted."},
	{WrongOrder, "Packets came in another order than that of the sequence, or other packets; or events in another order."},
	{TooFewDrops, "The kernel dropped fewer packets than wanted, or none."},
	{TooManyDrops, "The kernel dropped more packets than wanted."},
	{CounterDiffers, "A counter of the kernel rose by another number."},
	{NoSuchCounter, "The kernel has no such counter."},
	{NoSuchReason, "The kernel has no such drop reason."},

	{StateNotReached, "No socket came to the state, or none with these values."},
	{StateNotHeld, "No socket stayed in the state as long as wanted."},
	{StateSeen, "A socket was in a state that it should not come to."},
	{WrongPath, "The socket went another way through the states, or there is not exactly one."},
	{WrongSockets, "There were more or fewer sockets than wanted."},

	{NoSuchEvent, "An event that the expectation is about never happened."},
	{CannotJudge, "This version of halfopen cannot judge the expectation."},

	{Deadline, "The run did not end by itself."},
	{LabDied, "The lab died in the middle of the run."},
	{LabHeld, "The lab was held for people, and its actors never began."},
	{RunCanceled, "The run was canceled."},

	{NotObserved, "It could not be seen whether it was as wanted."},
	{LostReports, "The kernel lost its reports of it. The verdict is inconclusive."},
	{MachineLate, "The machine was too late to judge a time or an order. The verdict is inconclusive."},
	{MachineFull, "The machine had no room for what the run needs. The verdict is inconclusive."},

	{OtherKernel, "The expectation is not for this kernel. It is skipped."},
	{CannotObserve, "This kernel, or this user, cannot see enough. The expectation is skipped."},
}
