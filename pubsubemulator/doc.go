// Package pubsubemulator gives a test the address of Google's own Pub/Sub emulator,
// on which the driver of Pub/Sub runs against a broker that nobody here wrote.
//
// [Start] takes the first of these that is at hand:
//
//   - the address in PUBSUB_EMULATOR_HOST, of an emulator that somebody else runs;
//   - a process on this machine, where a Java and the emulator's jar are found: the
//     jar in PUBSUB_EMULATOR_JAR, or that of a Google Cloud CLI, which brings it as
//     its component pubsub-emulator or, on Debian, as the package
//     google-cloud-cli-pubsub-emulator.
//
// Where no way is open the error says why for each.
//
// The emulator keeps everything in memory: what an instance started ends with its
// Close, and everything in it. On Linux the process also ends when the one that
// started it is killed.
//
// The package runs on Linux and macOS.
package pubsubemulator
