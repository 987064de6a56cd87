package scenarios_test

import (
	"fmt"
	"log"

	"halfopen/scenarios"
)

// A scenario of the library, with a parameter set as halfopen run --set does it.
func ExampleBuiltin() {
	f, err := scenarios.Builtin("syn-retry-backoff")
	if err != nil {
		log.Fatal(err)
	}
	cases, err := f.Expand(map[string]string{"retries": "2"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(f.Folder, f.Name)
	fmt.Println(cases[0].ID(), "runs about", cases[0].Estimate())
	// Output:
	// handshake syn-retry-backoff
	// syn-retry-backoff retries=2 v4 runs about 7s
}

func ExampleFolders() {
	for _, folder := range scenarios.Folders() {
		fmt.Println(folder)
	}
	// Output:
	// handshake
	// established
	// teardown
	// datagram
	// resources
	// stories
	// programs
}
