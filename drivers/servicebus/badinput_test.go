package servicebus_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus/admin"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/servicebus"
	"github.com/longshore-dev/longshore/drivers/servicebus/sbfake"
)

// calls are what a worker and a producer do first.
func (e *env) calls(q *servicebus.Queue) (receive, send error) {
	_, receive = q.Receive(e.Context(), driver.ReceiveOptions{Max: 1, Wait: time.Minute})
	send = q.Send(e.Context(), []driver.Message{{Body: []byte("x")}})[0].Err
	return receive, send
}

func TestAMissingQueue(t *testing.T) {
	for name, o := range map[string]servicebus.Options{
		"plain": {}, "declared": {Hold: 40 * time.Second}, "with sessions": {Hold: 40 * time.Second, Sessions: true},
	} {
		t.Run(name, func(t *testing.T) {
			on(t, servicebus.Options{}, func(e *env) {
				q := e.open(e.clients, "returns", o)
				defer e.close(q)
				receive, send := e.calls(q)
				const text = `queue "returns" does not exist; create it, or correct the URL`
				e.says("receive", receive, driver.NotFound, text)
				e.says("send", send, driver.NotFound, text)
				_, err := q.Policy(e.Context())
				e.says("policy", err, driver.NotFound, text)
				_, err = q.Stats(e.Context())
				e.says("stats", err, driver.NotFound, text)
			})
		})
	}
}

func TestAWrongKey(t *testing.T) {
	on(t, servicebus.Options{}, func(e *env) {
		const key = "d3JvbmcgdGhpcyBrZXkgaXMgd3Jvbmc="
		text := strings.Split(e.server.ConnectionString(), "SharedAccessKey=")[0] + "SharedAccessKey=" + key
		o := servicebus.ClientOptions()
		o.NewWebSocketConn = e.server.ClientOptions().NewWebSocketConn
		messages, err := azservicebus.NewClientFromConnectionString(text, o)
		if err != nil {
			e.Fatal(err)
		}
		defer messages.Close(context.WithoutCancel(e.Context()))
		manage, err := admin.NewClientFromConnectionString(text, e.server.AdminOptions())
		if err != nil {
			e.Fatal(err)
		}
		q := e.open(servicebus.Clients{Messages: messages, Admin: manage}, "orders", servicebus.Options{Hold: 40 * time.Second})
		defer e.close(q)
		receive, send := e.calls(q)
		e.says("receive", receive, driver.PermissionDenied, `do not have the right Listen on queue "orders"; grant it, or the role "Azure Service Bus Data Receiver"`)
		e.says("send", send, driver.PermissionDenied, "the right Send")
		_, err = q.Stats(e.Context())
		e.says("stats", err, driver.PermissionDenied, "the right Manage")
		for _, err := range []error{receive, send, err} {
			if strings.Contains(err.Error(), key) {
				e.Errorf("error %q repeats the key", err)
			}
		}
	})
}

func TestAQueueWithoutPermission(t *testing.T) {
	on(t, servicebus.Options{Hold: 40 * time.Second}, func(e *env) {
		e.server.Fault(sbfake.Fault{Op: sbfake.OpAttach, Condition: "amqp:unauthorized-access"})
		receive, send := e.calls(e.queue)
		for try := 0; try < 5 && (driver.Is(receive, driver.Unavailable) || driver.Is(send, driver.Unavailable)); try++ {
			receive, send = e.calls(e.queue) // go-amqp may take a refused link for an error of the connection
		}
		e.says("receive", receive, driver.PermissionDenied, "the right Listen")
		e.says("send", send, driver.PermissionDenied, "the right Send")
	})
}

// Without the right Manage nobody knows how long a lock lasts, unless it is declared.
func TestWithoutTheRightToManage(t *testing.T) {
	on(t, servicebus.Options{}, func(e *env) {
		e.server.Fault(sbfake.Fault{Op: sbfake.OpAdmin, Status: 401})
		_, err := e.queue.Receive(e.Context(), driver.ReceiveOptions{Max: 1})
		e.says("receive", err, driver.PermissionDenied, "the queue's lock duration may not be read; declare it by hold= in the URL")
		_, err = e.queue.Policy(e.Context())
		e.says("policy", err, driver.PermissionDenied, "the right Manage")
		_, err = e.queue.Stats(e.Context())
		e.says("stats", err, driver.PermissionDenied, "the right Manage")

		q := e.open(e.clients, "orders", servicebus.Options{Hold: 40 * time.Second, MaxDeliveries: 15})
		defer e.close(q)
		e.send("x")
		e.ack(q, e.lease(q))
		p, err := q.Policy(e.Context())
		if err != nil || p.Hold != 40*time.Second || p.MaxAttempts != 15 || !p.DeadLetterReadable {
			e.Errorf("the policy is %+v, %v; want what is declared", p, err)
		}
	})
}

func TestAMessageOverTheLimit(t *testing.T) {
	on(t, servicebus.Options{Premium: true}, func(e *env) { // which the queue is not
		r := e.queue.Send(e.Context(), []driver.Message{{Body: []byte("small")}, {Body: make([]byte, 300<<10)}, {Body: []byte("small too")}})
		e.says("send", r[1].Err, driver.TooLarge, "the message is larger than the queue takes; use a claim check for large payloads")
		if r[0].Err != nil || r[2].Err != nil {
			e.Errorf("its neighbours failed with it: %v, %v", r[0].Err, r[2].Err)
		}
		e.counts(sbfake.Counts{Active: 2})
		r = e.queue.Send(e.Context(), []driver.Message{{Body: make([]byte, 300<<10), Delay: time.Hour}})
		e.says("a send with a delay", r[0].Err, driver.TooLarge, "")
	})
}

func TestThrottling(t *testing.T) {
	on(t, servicebus.Options{}, func(e *env) {
		e.server.Fault(sbfake.Fault{Op: sbfake.OpSend})
		e.server.Fault(sbfake.Fault{Op: "schedule-message"})
		for name, m := range map[string]driver.Message{"send": {Body: []byte("x")}, "schedule": {Body: []byte("x"), Delay: time.Minute}} {
			r := e.queue.Send(e.Context(), []driver.Message{m})[0]
			e.says(name, r.Err, driver.Throttled, "the namespace is throttled")
			if d := r.Err.(*driver.Error).RetryAfter; d != 10*time.Second {
				e.Errorf("%s: to be tried again after %v; want 10s", name, d)
			}
		}
	})
}

func TestALockDurationOverFiveMinutes(t *testing.T) {
	on(t, servicebus.Options{}, func(e *env) {
		long := "PT6M"
		_, err := e.clients.Admin.CreateQueue(e.Context(), "long", &admin.CreateQueueOptions{Properties: &admin.QueueProperties{LockDuration: &long}})
		if err == nil {
			e.Fatal("the service took a lock duration of 6 minutes")
		}
	})
}

func TestDeclarationsThatDiffer(t *testing.T) {
	for name, test := range map[string]struct {
		o    servicebus.Options
		c    sbfake.QueueConfig
		want string
	}{
		"sessions declared":    {servicebus.Options{Sessions: true}, sbfake.QueueConfig{}, `sessions=true is declared, and queue "orders" has false; correct the URL or the queue`},
		"sessions required":    {servicebus.Options{}, sbfake.QueueConfig{Sessions: true}, `sessions=false is declared`},
		"dedup declared":       {servicebus.Options{Dedup: true}, sbfake.QueueConfig{}, `dedup=true is declared`},
		"dedup required":       {servicebus.Options{}, sbfake.QueueConfig{DuplicateDetection: time.Minute}, `dedup=false is declared`},
		"hold":                 {servicebus.Options{Hold: 30 * time.Second}, sbfake.QueueConfig{}, `hold=30s is declared, and queue "orders" has 1m0s`},
		"max deliveries":       {servicebus.Options{MaxDeliveries: 15}, sbfake.QueueConfig{}, `max_deliveries=15 is declared, and queue "orders" has 10`},
		"tier":                 {servicebus.Options{Premium: true}, sbfake.QueueConfig{}, `tier=premium is declared`},
		"forwards":             {servicebus.Options{}, sbfake.QueueConfig{ForwardTo: "returns"}, "forwards its messages, so nothing can be leased from it"},
		"dead letters forward": {servicebus.Options{}, sbfake.QueueConfig{ForwardDeadLettersTo: "dead"}, "forwards its dead letters, so they cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			on(t, servicebus.Options{}, func(e *env) {
				e.server.DeleteQueue("orders")
				if err := e.server.CreateQueue("orders", test.c); err != nil {
					e.Fatal(err)
				}
				q := e.open(e.clients, "orders", test.o)
				defer e.close(q)
				_, err := q.Policy(e.Context())
				e.says("policy", err, driver.InvalidArgument, test.want)
			})
		})
	}
}

func TestSessionsThatAreNotDeclared(t *testing.T) {
	on(t, servicebus.Options{Sessions: true}, func(e *env) {
		q := e.open(e.clients, "orders", servicebus.Options{})
		defer e.close(q)
		receive, send := e.calls(q)
		const text = "requires sessions just where the URL says sessions=true"
		e.says("receive", receive, driver.InvalidArgument, text)
		e.says("send", send, driver.InvalidArgument, text)
	})
}

func TestPolicyTellsWhatExpires(t *testing.T) {
	on(t, servicebus.Options{}, func(e *env) {
		e.server.DeleteQueue("orders")
		c := sbfake.QueueConfig{DefaultTTL: 7 * 24 * time.Hour, AutoDeleteOnIdle: 24 * time.Hour, MaxDeliveryCount: 15}
		if err := e.server.CreateQueue("orders", c); err != nil {
			e.Fatal(err)
		}
		got, err := e.queue.Policy(e.Context())
		want := driver.Policy{
			Hold: time.Minute, MaxAttempts: 15, DeadLetterTarget: "orders/$DeadLetterQueue", DeadLetterReadable: true,
			Retention: 7 * 24 * time.Hour, DeadLetterRetention: driver.Unlimited, IdleExpiry: 24 * time.Hour,
		}
		if err != nil || got != want {
			e.Errorf("the policy is %+v, %v; want %+v", got, err, want)
		}
	})
}
