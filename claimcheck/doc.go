// Package claimcheck keeps the payloads of tasks that are too large for messages in an
// object store: Amazon S3, Google Cloud Storage, Azure Blob Storage, what speaks one of
// their protocols, or a directory. It gives gocloud.dev/blob to the runtime as its
// [runtime.PayloadStore].
//
//	store, err := claimcheck.Open(ctx, "s3://shop-payloads?region=eu-west-1&prefix=orders/")
//	...
//	defer store.Close()
//	payloads := &runtime.Payloads{Store: store}
//	client, err := runtime.NewClient(queues, &runtime.ClientOptions{Payloads: payloads})
//	mux := runtime.NewMux(&runtime.MuxOptions{Payloads: payloads})
//
// # URLs
//
// A URL is one of gocloud.dev, whose driver the application imports, such as
// gocloud.dev/blob/s3blob, gcsblob, azureblob or fileblob; their documentation has the
// parameters. Credentials come by each provider's convention and never stand in it. The
// parameter prefix is ours: objects are written, and read, under it alone. It is letters,
// digits and any of ._-/, and ends with a / that is added when it is missing.
//
// # Objects
//
// A payload is one object, whose name has the id of its task and 128 bits of chance. It
// is written before the message is sent, which refers to it by the URL of the bucket
// without parameters and the key. Nothing here deletes one: a rule of the bucket does,
// when they are older than the retention of the queue, that of its dead letter and the
// longest delay together. The Terraform modules of this repository set such a rule.
//
// A reference that comes with a message is read when it names an object directly under
// the bucket and prefix of this store, and nothing else.
//
// # Rights
//
// A producer puts objects. A worker gets objects and lists those under the prefix:
// without the right to list, Amazon S3 and Google answer for a missing object as for
// one that may not be read ("Permissions" of GetObject in the Amazon S3 API reference),
// and nobody can tell that its task is lost.
package claimcheck
