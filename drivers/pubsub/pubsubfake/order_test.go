package pubsubfake_test

import (
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/longshore-dev/longshore/drivers/pubsub/pubsubfake"
)

func TestNackedHeadEndsTheLeasesOfItsFollowers(t *testing.T) {
	bubble(t, func(e *env) {
		e.queue("orders", ordered, hold(600))
		e.publishKey("orders", "k", "1", "2", "3")
		ms := e.wantPull("orders", "1", "2", "3")
		e.must(e.modack("orders", 0, ms[0]))
		again := e.wantPull("orders", "1", "2", "3")
		e.must(e.ack("orders", ms...)) // superseded
		e.must(e.modack("orders", 0, again[0]))
		e.must(e.ack("orders", e.wantPull("orders", "1", "2", "3")...))
		time.Sleep(time.Hour)
		e.wantPull("orders")
	})
}

func TestNackedHeadMayWaitForItsFollowers(t *testing.T) {
	bubbleWith(t, &pubsubfake.Options{KeepBatch: true}, func(e *env) {
		e.queue("orders", ordered, hold(600))
		e.publishKey("orders", "k", "1", "2", "3", "4")
		ms := e.wantPull("orders", "1", "2", "3", "4")
		e.must(e.modack("orders", 0, ms[0]))
		e.must(e.ack("orders", ms[1]))
		e.must(e.modack("orders", 0, ms[2]))
		e.wantPull("orders")
		e.must(e.ack("orders", ms[3]))
		e.wantPull("orders", "1", "2", "3", "4")
	})
}

func TestExactlyOnceKeepsFollowersOutstanding(t *testing.T) {
	bubble(t, func(e *env) {
		e.queue("orders", ordered, exactlyOnce, hold(20))
		e.publishKey("orders", "k", "1", "2", "3")
		ms := e.wantPull("orders", "1", "2", "3")
		e.must(e.modack("orders", 0, ms[0]))
		e.wantPull("orders")
		e.must(e.ack("orders", ms[1])) // and it does not come again
		time.Sleep(20 * time.Second)
		e.wantCode(e.ack("orders", ms[2]), codes.InvalidArgument)
		e.wantPull("orders", "1", "3")
	})
}

func TestDeadHeadLetsItsKeyGoOn(t *testing.T) {
	bubble(t, func(e *env) {
		e.queue("dead")
		e.queue("orders", ordered, withDead("dead", 5))
		e.publishKey("orders", "k", "1")
		e.publishKey("orders", "k", "2")
		for range 5 {
			ms, err := e.tryPull("orders", 1, 0)
			e.must(err)
			e.must(e.modack("orders", 0, ms...))
		}
		e.wantPull("dead", "1")
		m := e.wantPull("orders", "2")[0]
		if m.GetDeliveryAttempt() != 1 {
			t.Errorf("the attempt of the next is %d, want 1", m.GetDeliveryAttempt())
		}
	})
}

func TestBackoffOfTheHeadHoldsItsKey(t *testing.T) {
	bubble(t, func(e *env) {
		e.queue("orders", ordered, retry(time.Minute, time.Minute))
		e.publishKey("orders", "k", "1", "2")
		e.must(e.modack("orders", 0, e.wantPull("orders", "1", "2")...))
		time.Sleep(time.Minute - time.Millisecond)
		e.wantPull("orders")
		time.Sleep(time.Millisecond)
		e.wantPull("orders", "1", "2")
	})
}

func TestRetentionOfTheHeadLetsItsKeyGoOn(t *testing.T) {
	bubble(t, func(e *env) {
		e.queue("orders", ordered, retention(10*time.Minute), hold(600))
		e.publishKey("orders", "k", "1", "2")
		ms := e.wantPull("orders", "1", "2")
		e.must(e.ack("orders", ms[1]))
		time.Sleep(5 * time.Minute)
		e.publishKey("orders", "k", "3")
		time.Sleep(5 * time.Minute)
		e.wantPull("orders", "3")
	})
}

func TestWhatIsDoneToAFollowerWhoseHeadWasNackedDoesNothing(t *testing.T) {
	bubble(t, func(e *env) {
		e.queue("orders", ordered)
		e.publishKey("orders", "k", "1", "2", "3")
		ms := e.wantPull("orders", "1", "2", "3")
		e.must(e.modack("orders", 0, ms[0]))
		e.must(e.ack("orders", ms[1]))
		e.must(e.modack("orders", 600, ms[2]))
		e.wantPull("orders", "1", "2", "3")
	})
}

func TestAcksOutOfOrderLeaveTheKeyOpen(t *testing.T) {
	bubble(t, func(e *env) {
		e.queue("orders", ordered)
		e.publishKey("orders", "k", "1", "2", "3")
		ms := e.wantPull("orders", "1", "2", "3")
		e.must(e.ack("orders", ms[2]))
		e.must(e.ack("orders", ms[1]))
		e.publishKey("orders", "k", "4")
		e.wantPull("orders")
		e.must(e.ack("orders", ms[0]))
		e.wantPull("orders", "4")
	})
}

func TestKeysAndMessagesWithoutOneTakeTurns(t *testing.T) {
	bubble(t, func(e *env) {
		e.queue("orders", ordered)
		e.publishKey("orders", "k", "1", "2")
		e.publish("orders", "3")
		e.publishKey("orders", "l", "4")
		e.publish("orders", "5")
		e.wantPull("orders", "1", "2", "3", "4", "5")
	})
}
