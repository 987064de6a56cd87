package code

// Row describes a code.
type Row struct {
	Code     Code
	Severity Severity
	// Means is a sentence that says what is wrong; Example a message with the code.
	Means   string
	Example string
}

// Findings has every code of findings, in the order of docs/codes.md.
var Findings = []Row{
	{
		UnknownScenario, Error, "Neither the library nor the file system has the scenario.",
		`no scenario "syn-lots-once" in the library (did you mean "syn-lost-once"?)`,
	},
	{
		UnreadableFile, Error, "The file cannot be read.",
		`reading the scenario: open x.yaml: permission denied`,
	},
	{
		InvalidYAML, Error, "The file is not YAML.",
		`YAML: the line is indented by a tab; want spaces`,
	},
	{
		LimitExceeded, Error, "There is more of something than a scenario may have.",
		`4 name servers: want 1 to 3`,
	},
	{
		TooManyErrors, Error, "The file has more mistakes than are reported.",
		`too many errors; the rest is left out`,
	},

	{
		UnknownKey, Error, "The language has no such key, or not here.",
		`unknown key "actosr" (did you mean "actors"?)`,
	},
	{
		MissingKey, Error, "A key is missing, or one of several.",
		`missing key "hosts"`,
	},
	{
		DuplicateKey, Error, "A key is there twice.",
		`duplicate key "title": keep one of them`,
	},
	{
		MisplacedKey, Error, "The key belongs elsewhere.",
		`tcp belongs inside match, not beside it: {match: {tcp: ...}}`,
	},
	{
		ConflictingKeys, Error, "Two keys, or two things, exclude each other.",
		`nth already names the packets; remove nth or first`,
	},
	{
		WrongType, Error, "A mapping, a list or a single value of another type is needed.",
		`want an integer, not "1.5"`,
	},
	{
		MissingValue, Error, "The value is empty.",
		`the actor server has no steps; give it one`,
	},
	{
		DuplicateEntry, Error, "A list has an entry twice.",
		`nth: 2 is listed twice; keep one`,
	},

	{
		UnknownWord, Error, "The value is not one of the words of the language, of Linux or of TCP.",
		`unknown action "dorp" (did you mean "drop"?)`,
	},
	{
		UnknownName, Error, "The scenario has no such host, actor, step, fault or case.",
		`unknown host "servr" (did you mean "server"?)`,
	},
	{
		InvalidName, Error, "A name may not be written so, or has a meaning of its own.",
		`invalid name "Lost.SYN" for a fault: want words of lower-case letters and digits, joined by -, at most 32 characters`,
	},
	{
		DuplicateName, Error, "Two cases or steps have the same name.",
		`duplicate step "connect" in the actor client: give one of them another id`,
	},
	{
		UnknownParameter, Error, "The scenario has no such parameter, or the parameter has no value here.",
		`undefined parameter ${retires} (did you mean "retries"?)`,
	},
	{
		CircularValue, Error, "A value depends on itself.",
		`the parameter a depends on itself: a -> b -> a`,
	},
	{
		InvalidExpression, Error, "The text in ${...} is not an expression.",
		`invalid expression ${n.x}: unexpected '.' at character 2; to write ${ itself, write $${`,
	},
	{
		FailedExpression, Error, "An expression cannot be computed.",
		`cannot compute ${word + 1}: + wants two numbers or two durations, not the text "many" and the number 1`,
	},

	{
		InvalidValue, Error, "The key does not take the value.",
		`invalid hex "abc": want an even number of hex digits`,
	},
	{
		OutOfRange, Error, "A number or a duration is too small or too large.",
		`invalid every 0: want 1 or more`,
	},
	{
		InvalidRange, Error, "A range ends before it begins.",
		`invalid range "5s..2s": 5s is more than 2s; want the smaller one first`,
	},
	{
		InvalidCount, Error, "The value is not a count.",
		`invalid count "many": want 3, ">= 3", "> 3", "<= 3", "< 3" or 2..5`,
	},
	{
		MissingUnit, Error, "The number needs a unit, or the time a tolerance.",
		`"200" has no unit: write 200s or 200ms`,
	},
	{
		InvalidDuration, Error, "The value is not a duration.",
		`invalid duration "-1s": want 0s or more`,
	},
	{
		InvalidSize, Error, "The value is not a number of bytes.",
		`invalid size "4KiB": want a number of bytes, such as 512, 64kB or 1MB`,
	},
	{
		InvalidRate, Error, "The value is not a bit rate.",
		`invalid bit rate "fast": want one such as 500kbit or 1mbit`,
	},
	{
		InvalidPercentage, Error, "The value is not a percentage.",
		`invalid percentage "often": want one such as 5% or 0.5%`,
	},
	{
		InvalidAddress, Error, "The address cannot be one of the lab.",
		`"server" has no port; want HOST:PORT, such as "server:8080"`,
	},
	{
		InvalidPort, Error, "The value is not a port.",
		`invalid port 0: want 1 to 65535`,
	},
	{
		InvalidPath, Error, "The path is not allowed here.",
		`invalid path "/a/../b": want an absolute one without .., such as /etc/app.conf`,
	},
	{
		InvalidPattern, Error, "The pattern cannot be read.",
		`needs: invalid pattern "/usr/lib/[a": want a [ to be closed`,
	},
	{
		InvalidText, Error, "The text has a character that it may not have.",
		`title: want one line that says what will be seen`,
	},
	{
		InvalidEvent, Error, "The text does not name an event.",
		`invalid event "{log: [}": want a mapping on one line`,
	},
	{
		InvalidSysctl, Error, "The name or the value of a kernel parameter is wrong.",
		`invalid value "2s" of net.ipv4.tcp_fin_timeout: it is a number of seconds: write 2`,
	},

	{
		NoEffect, Error, "What is written changes nothing.",
		`contains: every text contains nothing; want some text, or is: ""`,
	},
	{
		NeverMatches, Error, "No packet can match, or none would be changed.",
		`no packet is tcp and udp at once; want one of them`,
	},
	{
		NeverHappens, Error, "The event never comes.",
		`client.connect[2] never happens: the step is done only once`,
	},
	{
		Contradiction, Error, "Two things of an expectation, or of a fault and the network, cannot both be true.",
		`count: 1, but the sequence has 2 packets; make them agree, or remove count`,
	},
	{
		WrongOrder, Error, "Events or states are in an order in which they cannot be.",
		`invalid until client.connect: want an event after client.send`,
	},
	{
		WrongStep, Error, "The step is of a kind that does not do this.",
		`bytes: not an outcome of flood, only of send, recv, sendto, recvfrom and segment`,
	},
	{
		MissingStep, Error, "The step needs another one before it.",
		`listen needs a port; name one, or add a bind step before it`,
	},
	{
		WrongShape, Error, "The shape of the network does not allow it.",
		`no link in the shape loopback: want shape: wire or shape: direct`,
	},
	{
		Unsupported, Error, "The language has it, but not for this.",
		`arp is for expectations only: events are of IP packets`,
	},

	{
		WrongMechanism, Error, "The mechanism cannot carry out the fault.",
		`fault "lost": tc drops only by chance, or everything at HOST.output; remove "via" to use iptables`,
	},
	{
		CannotPlan, Error, "The network or the faults cannot be made as they are written.",
		`"client.absent": client has no absent address`,
	},
	{
		RefusedValue, Error, "The kernel refuses the value.",
		`invalid value "-1" of net.ipv4.tcp_syn_retries: the kernel refuses it (EINVAL); ip-sysctl.rst of the kernel says what it takes`,
	},

	{
		UnusedParameter, Note, "Nothing in the file uses the parameter.",
		`nothing uses the parameter timeuot (did you mean "timeout"?)`,
	},
	{
		OtherFileName, Note, "The name of the scenario is not that of its file.",
		`the scenario is named lost and the file drops.yaml; give both the same name`,
	},
	{
		EarlyConnect, Note, "A client may connect before its server listens.",
		`client.connect may come before server.listen: sleep is not one of the steps that are done before others start (socket, setsockopt, bind, listen); move it after listen, or add after: server.listen to connect`,
	},
	{
		UnknownDropReason, Note, "No kernel that halfopen knows has the drop reason.",
		`no kernel known to halfopen has the drop reason TCP_CSUMM (did you mean "TCP_CSUM"?)`,
	},
	{
		UnknownCounter, Note, "The running kernel has no such counter, but one that is spelled like it.",
		`the running kernel has no counter TcpExt.TCPTimeout (did you mean TcpExt.TCPTimeouts?)`,
	},
	{
		UnknownSysctl, Note, "No host has the kernel parameter: it is misspelt, or set for the whole machine.",
		`no known kernel has the sysctl net.ipv4.tcp_syn_retris (did you mean net.ipv4.tcp_syn_retries?)`,
	},

	{
		MissingCapability, Missing, "This machine lacks something that the scenario needs.",
		`the program nginx is not available here (needed by nginx-reload); install what is missing`,
	},
}

// SeverityOf returns the severity of a code.
func SeverityOf(c Code) Severity {
	for i := range Findings {
		if Findings[i].Code == c {
			return Findings[i].Severity
		}
	}
	return Error
}
