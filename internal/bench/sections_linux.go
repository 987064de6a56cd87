package main

// sections are the sections of the report, in order.
var sections = []section{
	{"run", (*bench).trivial},
	{"labs", (*bench).labs},
	{"commands", (*bench).commands},
	{"delay", (*bench).delay},
	{"stream", (*bench).stream},
	{"large", (*bench).large},
	{"tracepoints", (*bench).tracepoints},
	{"vm", (*bench).machines},
}
