package language

// Actor is a process on a host that runs steps in order.
type Actor struct {
	Name string `json:"name" yaml:"-"`
	// Host is where the process runs; a bare list of steps under the actor's name means the host of the same name.
	Host  string `json:"host,omitempty" jsonschema_description:"The host it runs on. Default: the host of the actor's name."`
	Steps []Step `yaml:",short" json:"steps" jsonschema_description:"What it does, in order."`
	Only  Names  `json:"only,omitempty" jsonschema_description:"Only in these cases or IP families."`
	Pos   Pos    `json:"pos,omitzero" yaml:"-"`
}

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

// SocketOp is socket(2).
type SocketOp struct {
	Type     string `yaml:",short" json:"type,omitempty" jsonschema:"enum=tcp,enum=udp" jsonschema_description:"tcp (default) or udp."`
	Nonblock bool   `json:"nonblock,omitempty" jsonschema_description:"O_NONBLOCK."`
	As       string `json:"as,omitempty" jsonschema_description:"Name of the new socket. Default: sock, then sock2, sock3, ..."`
}

// Setsockopt is setsockopt(2), once for each option.
type Setsockopt struct {
	Options []SockOption `json:"options"`
}

// SockOption is a socket option and its value: a number, a duration (SO_SNDTIMEO, SO_RCVTIMEO), a word
// (TCP_CONGESTION), or for SO_LINGER "off" or a duration.
type SockOption struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Pos   Pos    `json:"pos,omitzero"`
}

// Bind is bind(2).
type Bind struct {
	Address string `json:"address,omitempty" jsonschema_description:"HOST or HOST.N (its nth address), or any (default)."`
	Port    int    `yaml:",short" json:"port,omitempty" jsonschema_description:"0 to 65535; 0 (default): the kernel chooses."`
}

// Listen is listen(2), and socket(2), SO_REUSEADDR 1 and bind(2) where there is no socket yet.
type Listen struct {
	Address string `json:"address,omitempty" jsonschema_description:"HOST or HOST.N, or any (default)."`
	Port    int    `yaml:",short" json:"port,omitempty" jsonschema_description:"1 to 65535; needed unless the socket is bound."`
	Backlog *int   `json:"backlog,omitempty" jsonschema_description:"Length of the accept queue as given to listen(). Default: 128."`
}

// Accept is accept4(2).
type Accept struct {
	As string `yaml:",short" json:"as,omitempty" jsonschema_description:"Name of the new socket. Default: conn, then conn2, conn3, ..."`
}

// Connect is connect(2).
type Connect struct {
	To       string `yaml:",short" json:"to" jsonschema_description:"HOST:PORT, HOST.N:PORT (its nth address), HOST.absent:PORT (an address of its subnet that nobody has) or ADDRESS:PORT."`
	Nonblock bool   `json:"nonblock,omitempty" jsonschema_description:"On a socket made here: O_NONBLOCK."`
}

// Data is what is sent. Exactly one of the fields is set, or none for an empty datagram.
type Data struct {
	Text  string `json:"text,omitempty" jsonschema_description:"The bytes, as text."`
	Hex   string `json:"hex,omitempty" jsonschema_description:"The bytes, as hex digits; blanks are ignored."`
	Bytes Size   `json:"bytes,omitempty" jsonschema_description:"That many bytes of a fixed pattern (byte i is i modulo 251)."`
}

// Send is send(2).
type Send struct {
	Data  `yaml:",short"`
	All   bool     `json:"all,omitempty" jsonschema_description:"Repeat send(2) until all is sent or it fails."`
	Flags []string `json:"flags,omitempty" jsonschema_description:"dontwait, more, oob, nosignal (always on: EPIPE without SIGPIPE)."`
}

// Recv is recv(2): once, or until Bytes have come, or to the end of the stream.
type Recv struct {
	Bytes Size     `yaml:",short" json:"bytes,omitempty" jsonschema_description:"Repeat recv(2) until that many bytes have come, the stream ends or it fails. Default: one recv(2)."`
	Max   Size     `json:"max,omitempty" jsonschema_description:"Length of the buffer of one recv(2). Default: 64kB."`
	Until string   `json:"until,omitempty" jsonschema:"enum=eof" jsonschema_description:"eof: repeat recv(2) until it returns 0 or fails."`
	Flags []string `json:"flags,omitempty" jsonschema_description:"dontwait, peek, waitall, oob."`
}

// Sendto is sendto(2).
type Sendto struct {
	Data
	To string `json:"to" jsonschema_description:"As for connect."`
}

// Recvfrom is recvfrom(2); the outcome's peer is who sent.
type Recvfrom struct {
	Max   Size     `json:"max,omitempty" jsonschema_description:"Length of the buffer. Default: 64kB."`
	Flags []string `json:"flags,omitempty" jsonschema_description:"dontwait, peek."`
}

// Poll is poll(2) on one socket. The outcome's result is poll's, its value the events that came, such as "out,err,hup".
type Poll struct {
	For     []string  `yaml:",short" json:"for,omitempty" jsonschema_description:"in, out, pri, rdhup. Default: [in]."`
	Timeout *Duration `json:"timeout,omitempty" jsonschema_description:"Longest wait. Default: none."`
}

// Shutdown is shutdown(2).
type Shutdown struct {
	How string `yaml:",short" json:"how,omitempty" jsonschema:"enum=read,enum=write,enum=both" jsonschema_description:"read (SHUT_RD), write (SHUT_WR) or both (SHUT_RDWR)."`
}

// Close is close(2).
type Close struct{}

// Getsockopt is getsockopt(2) of one option, or the ioctls SIOCINQ and SIOCOUTQ.
type Getsockopt struct {
	Option string `yaml:",short" json:"option" jsonschema_description:"SO_ERROR, SO_SNDBUF, TCP_NODELAY, SIOCOUTQ, ..."`
}

// TCPInfo is getsockopt(TCP_INFO).
type TCPInfo struct{}

// Sockstat counts the sockets of the actor's host: what the kernel counts (proc_pid_net(5), sockstat), and TCP sockets by
// their state.
type Sockstat struct{}

// Sleep does nothing for a duration.
type Sleep struct {
	For Duration `yaml:",short" json:"for"`
}

// Signal raises a named event.
type Signal struct {
	Name string `yaml:",short" json:"name"`
}

// Wait waits for an event.
type Wait struct {
	Event   EventRef `yaml:",short" json:"event"`
	Timeout Duration `json:"timeout,omitempty" jsonschema_description:"Give up after this with ETIMEDOUT. Default: never."`
}

// Exec runs a program on the host. The outcome has exit status, standard output and standard error, 64 KiB of each.
type Exec struct {
	Command []string `yaml:",short" json:"command" jsonschema_description:"Program and arguments; one string is given to sh -c."`
	Stdin   string   `json:"stdin,omitempty" jsonschema_description:"Its standard input. Default: empty."`
	Timeout Duration `json:"timeout,omitempty" jsonschema_description:"SIGTERM after this, SIGKILL a second later. Default: the scenario's deadline."`
}

// Kill sends a signal to the process of an actor.
type Kill struct {
	Actor   string `yaml:",short" json:"actor" jsonschema_description:"Whose process."`
	Signal  string `json:"signal,omitempty" jsonschema_description:"KILL (default; done when the process is gone), TERM, STOP, CONT, USR1, ..."`
	Restart *bool  `json:"restart,omitempty" jsonschema_description:"For USR1: whether its handler is installed with SA_RESTART. Default: true."`
}

// Blocked finds out which system call another actor's step is blocked in, as /proc/PID/syscall and strace -p tell. The
// outcome's text is the call's name; where steps run in parallel, those of all that are blocked, in the order in which the
// steps are written.
type Blocked struct {
	Actor string `yaml:",short" json:"actor" jsonschema_description:"Which actor; another than the step's own."`
}

// SysctlOp sets kernel parameters of a host.
type SysctlOp struct {
	Host string   `json:"host,omitempty" jsonschema_description:"Default: the actor's."`
	Set  []Sysctl `json:"set" jsonschema_description:"Names and values."`
}

// Limit is setrlimit(2): the soft limit of the actor's process, and of the programs it starts from then on.
type Limit struct {
	Nofile int `json:"nofile" jsonschema_description:"RLIMIT_NOFILE, 32 to 1048576: one more than the highest file descriptor it may have. Some dozen are its own."`
}

// LinkOp takes the link of a host down or up, at the wire's end, so that the host's own interface only loses its carrier.
type LinkOp struct {
	Host  string `json:"host,omitempty" jsonschema_description:"Default: the actor's."`
	State string `yaml:",short" json:"state" jsonschema:"enum=down,enum=up"`
}

// Repeat does several steps several times.
type Repeat struct {
	Times int    `json:"times" jsonschema_description:"1 to 100000."`
	Steps []Step `json:"steps"`
}

// Parallel does several lists of steps at once.
type Parallel struct {
	Branches [][]Step `yaml:",short" json:"branches"`
}
