package language

// Step is one operation of an actor. Its outcome is recorded, whatever it is; expectations judge it.
type Step struct {
	// ID names the step in references (actor.id). The loader fills it in: the operation's name for the first step of that
	// operation in its actor, in document order, then connect2, connect3 and so on.
	ID     string   `json:"id,omitempty" jsonschema_description:"Name of the step, for references: actor.id. Default: the operation, then connect2, connect3, ..."`
	Socket string   `json:"socket_name,omitempty" yaml:"socket" jsonschema_description:"Beside an operation: the socket it works on, by name. Default: the last one made that fits."`
	After  EventRef `json:"after,omitempty" jsonschema_description:"Wait for this event before the step."`
	Times  int      `json:"times,omitempty" jsonschema_description:"Do it this many times, 1 to 100000."`
	Only   Names    `json:"only,omitempty" jsonschema_description:"Only in these cases or IP families."`
	Op     Op       `json:"op" yaml:",inline"`
	Pos    Pos      `json:"pos,omitzero" yaml:"-"`
}

// Op is the operation of a step. Exactly one field is set; [Op.Kind] names it.
type Op struct {
	Socket     *SocketOp   `json:"socket,omitempty" jsonschema_description:"socket(2)."`
	Setsockopt *Setsockopt `json:"setsockopt,omitempty" jsonschema_description:"setsockopt(2): option names and values, in order."`
	Bind       *Bind       `json:"bind,omitempty" jsonschema_description:"bind(2); makes a TCP socket where there is none."`
	Listen     *Listen     `json:"listen,omitempty" jsonschema_description:"listen(2); makes and binds a TCP socket where there is none."`
	Accept     *Accept     `json:"accept,omitempty" jsonschema_description:"accept4(2) on a listening socket; makes a socket."`
	Connect    *Connect    `json:"connect,omitempty" jsonschema_description:"connect(2); makes a TCP socket where there is none."`
	Send       *Send       `json:"send,omitempty" jsonschema_description:"send(2), once; a string is the text to send."`
	Recv       *Recv       `json:"recv,omitempty" jsonschema_description:"recv(2)."`
	Sendto     *Sendto     `json:"sendto,omitempty" jsonschema_description:"sendto(2); makes a UDP socket where there is none."`
	Recvfrom   *Recvfrom   `json:"recvfrom,omitempty" jsonschema_description:"recvfrom(2)."`
	Segment    *Segment    `json:"segment,omitempty" jsonschema_description:"Send one packet with header fields of one's own."`
	Flood      *Flood      `json:"flood,omitempty" jsonschema_description:"Send SYNs from many addresses that answer nobody."`
	Poll       *Poll       `json:"poll,omitempty" jsonschema_description:"poll(2) on one socket."`
	Shutdown   *Shutdown   `json:"shutdown,omitempty" jsonschema_description:"shutdown(2): read, write or both."`
	Close      *Close      `json:"close,omitempty" jsonschema_description:"close(2)."`
	Getsockopt *Getsockopt `json:"getsockopt,omitempty" jsonschema_description:"getsockopt(2) of the option named, or SIOCINQ, SIOCOUTQ; the outcome's value."`
	TCPInfo    *TCPInfo    `json:"tcp_info,omitempty" jsonschema_description:"getsockopt(TCP_INFO); the outcome's values."`
	Sockstat   *Sockstat   `json:"sockstat,omitempty" jsonschema_description:"Count the sockets of the actor's host; the outcome's values."`
	Sleep      *Sleep      `json:"sleep,omitempty" jsonschema_description:"Do nothing for a duration."`
	Signal     *Signal     `json:"signal,omitempty" jsonschema_description:"Raise the event ACTOR.signal.NAME, for after, wait, from and until."`
	Wait       *Wait       `json:"wait,omitempty" jsonschema_description:"Wait for an event."`
	Exec       *Exec       `json:"exec,omitempty" jsonschema_description:"Run a program on the host and wait for it."`
	Kill       *Kill       `json:"kill,omitempty" jsonschema_description:"Send a signal to an actor's process."`
	Blocked    *Blocked    `json:"blocked,omitempty" jsonschema_description:"Find out which system call another actor is blocked in; the outcome's text."`
	Sysctl     *SysctlOp   `json:"sysctl,omitempty" jsonschema_description:"Set kernel parameters of a host."`
	Limit      *Limit      `json:"limit,omitempty" jsonschema_description:"setrlimit(2) of the actor's process."`
	Link       *LinkOp     `json:"link,omitempty" jsonschema_description:"Take a host's link down or up."`
	Repeat     *Repeat     `json:"repeat,omitempty" jsonschema_description:"Do several steps several times."`
	Parallel   *Parallel   `json:"parallel,omitempty" jsonschema_description:"Do several lists of steps at once, each on a thread of its own."`
}

// Kind names the operation that is set, as written in YAML; "" for none.
func (o *Op) Kind() string { return oneOfKind(o) }
