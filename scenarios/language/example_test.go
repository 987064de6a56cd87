package language_test

import (
	"fmt"
	"log"

	"halfopen/scenarios/language"
)

const lost = `
name: lost
title: A lost SYN is sent again
hosts: {client: {}, server: {}}
ip: [v4, v6]
cases: [{lost: 1}, {lost: 2}]
faults:
  loss: {match: {tcp: SYN}, first: "${lost}", do: drop}
actors:
  server:
    - listen: {port: 8080}
    - accept: {}
  client:
    - connect: {to: "server:8080"}
expect:
  - {packets: {from: client, tcp: SYN}, count: "${lost + 1}"}
`

// Expand returns a scenario for each case and IP version of a file.
func ExampleParse() {
	f, err := language.Parse("lost.yaml", []byte(lost))
	if err != nil {
		log.Fatal(err)
	}
	cases, err := f.Expand(nil)
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range cases {
		fmt.Println(s.ID())
	}
	// Output:
	// lost lost=1 v4
	// lost lost=1 v6
	// lost lost=2 v4
	// lost lost=2 v6
}

// Every mistake is reported with its place.
func ExampleFile_Expand() {
	f, err := language.Parse("wrong.yaml", []byte(`
name: wrong
title: A step that does not exist
hosts: {client: {}, server: {}}
actors:
  client:
    - conect: {to: "server:9"}
expect:
  - {packets: {from: client, tcp: SYN}, count: 1}
`))
	if err != nil {
		log.Fatal(err)
	}
	_, err = f.Expand(nil)
	fmt.Println(err)
	// Output: wrong.yaml:7:7: unknown key "conect" (did you mean "connect"?)
}
