// Package chaos kills workers: it sends tasks to a real queue, kills the processes
// that work on them by SIGKILL, now one and then another, and accounts for every
// run of a handler.
//
// A storm takes a test of three parts. The worker processes are the test binary
// itself, so its TestMain asks first whether it is one:
//
//	var storm = chaos.Flags()
//
//	func TestMain(m *testing.M) {
//		if code, is := chaos.Worker(openQueue); is {
//			os.Exit(code)
//		}
//		flag.Parse()
//		os.Exit(m.Run())
//	}
//
//	func TestChaos(t *testing.T) {
//		storm.Run(t, func(ctx context.Context) (chaos.Queue, error) { ... })
//	}
//
// The package runs on Linux and macOS.
package chaos
