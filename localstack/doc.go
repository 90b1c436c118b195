// Package localstack gives a test the endpoint of a LocalStack, on which drivers
// of AWS services run against a broker that nobody here wrote.
//
// [Start] takes the first of these that is at hand:
//
//   - the address in LOCALSTACK_ENDPOINT, of a LocalStack that somebody else runs;
//   - a container, where a Docker engine answers: the image [Image], or the one
//     named in LOCALSTACK_IMAGE;
//   - a process on this machine, where a Python 3.13 is found. Its packages are
//     those of requirements.txt in this folder; they are installed once, into the
//     user's cache directory.
//
// LOCALSTACK_VIA, set to container or process, takes that way or none. Where no
// way is open the error says why for each.
//
// What an instance started ends with its Close. On Linux the process also ends
// when the one that started it is killed.
//
// The package runs on Linux and macOS.
package localstack
