package pubsubfake

// Differences gives the rules that the official emulator 0.8.20 was seen to break.
// Each is the rule of a probe.
func Differences() []Difference {
	const (
		takes         = "takes it"
		refuses       = "refuses it"
		unimplemented = "answers Unimplemented"
	)
	subscription := reference("Subscription")
	return []Difference{
		{"a message of more than 10 MB is refused", "takes up to 10 MiB and more", refuses, "googleapis/google-cloud-python#5898, with the text of the error"},
		{"a message of 11 MB is refused as invalid", "breaks the stream, with code Internal", "answers InvalidArgument", "googleapis/google-cloud-python#5898"},
		{"messages of more than 10 MB in a request are refused", takes, refuses, "spotify/ffwd#246, with the text of the error"},
		{"101 attributes are refused", takes, refuses, pageQuotas},
		{"an attribute with a key of 257 bytes is refused", takes, refuses, "googleapis/java-pubsub#2312, with the text of the error"},
		{"an attribute with a value of 1,025 bytes is refused", takes, refuses, "snowplow/enrich#485, with the text of the error"},
		{"an attribute whose key begins with goog is refused", takes, refuses, pagePublish},
		{"an ordering key of 1,025 bytes is refused", takes, refuses, pageQuotas},
		{"the messages of a request have the same ordering key", takes, "answers FailedPrecondition", "yoshidan/google-cloud-rust#226, with the text of the error"},
		{"a negative max_messages is refused", "answers empty", refuses, reference("PullRequest")},
		{"a Pull that waits ends when its subscription is deleted", "lets it wait on, then answers empty", "answers NotFound",
			"GoogleCloudPlatform/spring-cloud-gcp#2606, of StreamingPull"},
		{"an ack deadline of 601 s is refused", takes, refuses, reference("ModifyAckDeadlineRequest")},
		{"a request of more than 512 KiB is refused", takes, refuses, "GoogleCloudPlatform/pubsub#253, with the text of the error"},
		{"a message is forwarded without a Pull of its subscription", "forwards it at the next Pull of its subscription", "forwards it by itself, on a best-effort basis", pageDeadLetter},
		{"a nacked message is kept back for the minimum backoff", "delivers it at once the first time", "keeps it back", reference("RetryPolicy")},
		{"exactly once: an ack id fails after its ack deadline", "deletes the message, unless it was delivered again", "answers InvalidArgument",
			pageExactlyOnce + ", as quoted in permutive-engineering/fs2-pubsub#466"},
		{"a nacked message comes again before those after it, which come again too", "delivers it after them, when their ack deadlines have ended", "delivers it first", pageOrder},
		{"a redelivered message brings acknowledged ones after it again", "delivers them again, but when their ack deadlines have ended, and before it", "delivers it first", pageOrder},
		{"a message without a key that comes again brings no others", "delivers those after it again when its ack deadline ends, also acknowledged ones", "has no order for them", pageOrder},
		{"a message goes to the dead-letter topic from a subscription with order as well", "forwards nothing, and answers no Pull of the subscription any more", "forwards it", pageDeadLetter},
		{"an ack deadline of the subscription is at least 10 s", "takes 1 s and more", refuses, subscription},
		{"retention of 31 days is taken", "refuses more than 7", "takes up to 31", subscription},
		{"an expiration of less than a day is refused", takes, refuses, subscription},
		{"a subscription expires after 31 days without use when it does not say", "never lets it expire", "deletes it then", subscription},
		{"an expiration policy can be changed", refuses, "changes it", reference("UpdateSubscription")},
		{"labels can be changed", refuses, "changes them", reference("UpdateSubscription")},
		{"a detached subscription has no messages and is not pulled", unimplemented, "answers FailedPrecondition to a Pull", pageDetach},
		{"a detached subscription is not among those of its topic", unimplemented, "detaches it", pageDetach},
		{"a detached subscription is not pushed", unimplemented, "pushes nothing any more", reference("DetachSubscription")},
		{"an OIDC token without a push endpoint is refused", takes, refuses, "googleapis/nodejs-pubsub#1111, with the text of the error"},
		{"payload unwrapping without a push endpoint is refused", takes, refuses, pageUnwrapping},
		{"an OIDC token needs a service account", takes, refuses, pagePush},
		{"a push subscription has no exactly-once delivery", takes, refuses, pageExactlyOnce},
		{"a version of the push format that does not exist is refused", takes, refuses, reference("PushConfig")},
		{"the version of the push format is v1 when it is not said", "says none", "says v1", reference("PushConfig")},
		{"a push subscription is not pulled", "answers empty", "answers FailedPrecondition", "wso2/product-integrator-mi#1644, with the text of the error"},
		{"an ordering key is pushed", "leaves it out", "pushes it", pagePush},
		{"the ordering key of what is pushed unwrapped is in a header when metadata is written", "leaves it out", "pushes it", pageUnwrapping},
		{"the attempt is pushed with a dead-letter policy", "leaves it out", "pushes it", pageDeadLetter},
		{"status 202 acknowledges a push", "pushes the message again", "takes it for an acknowledgement", pagePush},
		{"status 203 brings a message again", "takes it for an acknowledgement", "pushes the message again", pagePush},
		{"a push that fails is kept back for the minimum backoff of a retry policy", "pushes it after a second the first time", "keeps it back", pagePush},
		{"a push carries a token of its service account when one is configured", "pushes without one", "pushes with one", pagePushAuth},
		{"the audience of a token is the endpoint when it is not said", "pushes without a token", "takes the endpoint", reference("PushConfig.OidcToken")},
	}
}
