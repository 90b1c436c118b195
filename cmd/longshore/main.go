// Command longshore runs tasks through a queue from the command line.
//
// Its help tells the rest: longshore run --help.
package main

import "os"

func main() {
	os.Exit(execute(os.Args[1:], streams{in: os.Stdin, out: os.Stdout, err: os.Stderr}))
}
