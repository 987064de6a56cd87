package code

// Code is the kind of a problem. The codes are stable: one may be added, but none is renamed, and none
// comes to mean something else.
type Code string

// Severity is what a finding means for the scenario.
type Severity string

const (
	// Error: the scenario is wrong.
	Error Severity = "error"
	// Note: something may be a mistake.
	Note Severity = "note"
	// Missing: this machine cannot run the scenario.
	Missing Severity = "missing"
)

// The codes of findings. [Findings] says what they mean.
const (
	UnknownScenario Code = "unknown-scenario"
	UnreadableFile  Code = "unreadable-file"
	InvalidYAML     Code = "invalid-yaml"
	LimitExceeded   Code = "limit-exceeded"
	TooManyErrors   Code = "too-many-errors"

	UnknownKey      Code = "unknown-key"
	MissingKey      Code = "missing-key"
	DuplicateKey    Code = "duplicate-key"
	MisplacedKey    Code = "misplaced-key"
	ConflictingKeys Code = "conflicting-keys"
	WrongType       Code = "wrong-type"
	MissingValue    Code = "missing-value"
	DuplicateEntry  Code = "duplicate-entry"

	UnknownWord       Code = "unknown-word"
	UnknownName       Code = "unknown-name"
	InvalidName       Code = "invalid-name"
	DuplicateName     Code = "duplicate-name"
	UnknownParameter  Code = "unknown-parameter"
	CircularValue     Code = "circular-value"
	InvalidExpression Code = "invalid-expression"
	FailedExpression  Code = "failed-expression"

	InvalidValue      Code = "invalid-value"
	OutOfRange        Code = "out-of-range"
	InvalidRange      Code = "invalid-range"
	InvalidCount      Code = "invalid-count"
	MissingUnit       Code = "missing-unit"
	InvalidDuration   Code = "invalid-duration"
	InvalidSize       Code = "invalid-size"
	InvalidRate       Code = "invalid-rate"
	InvalidPercentage Code = "invalid-percentage"
	InvalidAddress    Code = "invalid-address"
	InvalidPort       Code = "invalid-port"
	InvalidPath       Code = "invalid-path"
	InvalidPattern    Code = "invalid-pattern"
	InvalidText       Code = "invalid-text"
	InvalidEvent      Code = "invalid-event"
	InvalidSysctl     Code = "invalid-sysctl"

	NoEffect      Code = "no-effect"
	NeverMatches  Code = "never-matches"
	NeverHappens  Code = "never-happens"
	Contradiction Code = "contradiction"
	WrongOrder    Code = "wrong-order"
	WrongStep     Code = "wrong-step"
	MissingStep   Code = "missing-step"
	WrongShape    Code = "wrong-shape"
	Unsupported   Code = "unsupported"

	WrongMechanism Code = "wrong-mechanism"
	CannotPlan     Code = "cannot-plan"
	RefusedValue   Code = "refused-value"

	UnusedParameter   Code = "unused-parameter"
	OtherFileName     Code = "other-file-name"
	EarlyConnect      Code = "early-connect"
	UnknownDropReason Code = "unknown-drop-reason"
	UnknownCounter    Code = "unknown-counter"
	UnknownSysctl     Code = "unknown-sysctl"

	MissingCapability Code = "missing-capability"
)
