package pubsubfake

import (
	"net/http"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
)

// nowhere is an endpoint where nobody listens. Nothing is published to it.
const nowhere = "http://127.0.0.1:9/push"

// account is a service account, which no probe needs to exist.
const account = "pusher@probes.iam.gserviceaccount.com"

var pushConfigRules = []rule{
	{"a push endpoint that is no URL is refused", reference("PushConfig"), refusesSetting(withPushTo("nonsense"))},
	{"a push endpoint of another scheme is refused", pagePush, refusesSetting(withPushTo("ftp://example.com/push"))},
	{"a changed push endpoint that is no URL is refused", reference("ModifyPushConfigRequest"), func(t *trial) {
		_, sub := t.queue(withPushTo(nowhere))
		t.refused(t.modifyPush(sub, &receiver{url: "nonsense"}), codes.InvalidArgument)
		got := t.get(sub).GetPushConfig().GetPushEndpoint()
		t.want(got == nowhere, "the endpoint is %q", got)
	}},
	{"an OIDC token without a push endpoint is refused", "googleapis/nodejs-pubsub#1111, with the text of the error", refusesSetting(withPushTo("", withToken(account, "")))},
	{"payload unwrapping without a push endpoint is refused", pageUnwrapping, refusesSetting(withPushTo("", unwrapped(true)))},
	{"an OIDC token needs a service account", pagePush, refusesSetting(withPushTo(nowhere, withToken("", "audience")))},
	{"a push subscription has no exactly-once delivery", pageExactlyOnce, func(t *trial) {
		topic := t.topic("topic")
		_, err := t.subscribe("sub", topic, withPushTo(nowhere), withExactlyOnce)
		t.refused(err, codes.InvalidArgument)
		sub := t.subscription("other", topic, withPushTo(nowhere))
		t.refused(t.update(sub, &subscriptionProto{EnableExactlyOnceDelivery: true}, "enable_exactly_once_delivery"), codes.InvalidArgument)
	}},
	{"a version of the push format that does not exist is refused", reference("PushConfig"), refusesSetting(withPushTo(nowhere, withVersion("v7")))},
	{"the version of the push format is v1 when it is not said", reference("PushConfig"), func(t *trial) {
		_, sub := t.queue(withPushTo(nowhere))
		got := t.get(sub).GetPushConfig().GetAttributes()[versionAttribute]
		t.want(got == "v1", "it is %q", got)
	}},
	{"a push subscription is not pulled", "wso2/product-integrator-mi#1644, with the text of the error", func(t *trial) {
		_, sub := t.queue(withPushTo(nowhere))
		_, err := t.tryPull(sub, 1, soon)
		t.refused(err, codes.FailedPrecondition)
	}},
	{"a push configuration can be changed", reference("UpdateSubscription"), func(t *trial) {
		_, sub := t.queue()
		t.must(t.update(sub, &subscriptionProto{PushConfig: &pubsubpb.PushConfig{PushEndpoint: nowhere}}, "push_config"))
		got := t.get(sub).GetPushConfig().GetPushEndpoint()
		t.want(got == nowhere, "the endpoint is %q", got)
		t.must(t.update(sub, &subscriptionProto{}, "push_config"))
		got = t.get(sub).GetPushConfig().GetPushEndpoint()
		t.want(got == "", "the endpoint is %q, want none", got)
	}},
	{"an empty push configuration has a subscription pulled, with what was not acknowledged", reference("ModifyPushConfigRequest"), func(t *trial) {
		e := t.endpoint(always(http.StatusServiceUnavailable))
		topic, sub := t.queue(withPush(e))
		t.publish(topic, "x")
		t.pushed(e, soon)
		t.must(t.modifyPush(sub, nil))
		t.publish(topic, "y")
		ms := t.pull(sub, 2, 2*soon)
		t.want(len(ms) == 2, "pulled %q, want x and y", texts(ms))
	}},
	{"a subscription that gets an endpoint is pushed what it has", reference("ModifyPushConfig"), func(t *trial) {
		e := t.endpoint(always(http.StatusNoContent))
		topic, sub := t.queue()
		t.publish(topic, "x")
		t.must(t.modifyPush(sub, e))
		got := string(t.envelope(e, 2*soon).Message.Data)
		t.want(got == "x", "%q was pushed, want x", got)
	}},
	{"what is pushed goes to a changed endpoint", reference("ModifyPushConfigRequest"), func(t *trial) {
		e, other := t.endpoint(always(http.StatusServiceUnavailable)), t.endpoint(always(http.StatusNoContent))
		topic, sub := t.queue(withPush(e))
		t.publish(topic, "x")
		t.pushed(e, soon)
		t.must(t.modifyPush(sub, other))
		got := string(t.envelope(other, 2*soon).Message.Data)
		t.want(got == "x", "%q was pushed, want x", got)
	}},
	{"a detached subscription is not pushed", reference("DetachSubscription"), func(t *trial) {
		e := t.endpoint(always(http.StatusNoContent))
		topic, sub := t.queue(withPush(e))
		t.publish(topic, "x")
		t.pushed(e, soon)
		t.detach(sub)
		t.publish(topic, "y")
		t.silent(e, soon)
	}},
}
