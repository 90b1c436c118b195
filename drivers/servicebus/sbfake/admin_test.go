package sbfake_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus/admin"

	"github.com/longshore-dev/longshore/drivers/servicebus/sbfake"
)

// administration is a client of the server's administration, without retries.
func (c *client) administration() *admin.Client {
	c.t.Helper()
	o := c.server.AdminOptions()
	o.Retry = policy.RetryOptions{MaxRetries: -1}
	a, err := admin.NewClientFromConnectionString(c.server.ConnectionString(), o)
	c.check(err)
	return a
}

func status(err error) int {
	if e, ok := errors.AsType[*azcore.ResponseError](err); ok {
		return e.StatusCode
	}
	return 0
}

func TestAdministration(t *testing.T) {
	inBubble(t, sbfake.QueueConfig{LockDuration: 90 * time.Second, DefaultTTL: 36 * time.Hour}, func(t *testing.T, c *client) {
		a := c.administration()
		got, err := a.GetQueue(t.Context(), "orders", nil)
		c.check(err)
		if *got.LockDuration != "PT1M30S" || *got.DefaultMessageTimeToLive != "P1DT12H" || *got.MaxDeliveryCount != 10 || *got.RequiresSession ||
			*got.Status != admin.EntityStatusActive || *got.MaxMessageSizeInKilobytes != 256 || got.ForwardDeadLetteredMessagesTo != nil {
			t.Errorf("the queue is %+v", got)
		}
		if none, err := a.GetQueue(t.Context(), "other", nil); err != nil || none != nil {
			t.Errorf("a queue that is not there is %v, %v", none, err)
		}

		lock, yes, most := "PT45S", true, int32(15)
		made, err := a.CreateQueue(t.Context(), "made", &admin.CreateQueueOptions{Properties: &admin.QueueProperties{
			LockDuration: &lock, RequiresSession: &yes, RequiresDuplicateDetection: &yes, MaxDeliveryCount: &most,
		}})
		c.check(err)
		want := sbfake.QueueConfig{
			LockDuration: 45 * time.Second, Sessions: true, DuplicateDetection: 10 * time.Minute, MaxDeliveryCount: 15,
			MaxMessageSize: 256 << 10, Status: "Active",
		}
		if config, _ := c.server.Queue("made"); config != want || *made.DefaultMessageTimeToLive != "P10675199DT2H48M5.4775807S" {
			t.Errorf("made %+v, want %+v", config, want)
		}
		if _, err := a.CreateQueue(t.Context(), "made", nil); status(err) != http.StatusConflict {
			t.Errorf("made twice: %v", err)
		}
		long := "PT6M"
		if _, err := a.CreateQueue(t.Context(), "long", &admin.CreateQueueOptions{Properties: &admin.QueueProperties{LockDuration: &long}}); status(err) != http.StatusBadRequest {
			t.Errorf("a lock of six minutes: %v", err)
		}
		wrong := "six minutes"
		if _, err := a.CreateQueue(t.Context(), "long", &admin.CreateQueueOptions{Properties: &admin.QueueProperties{LockDuration: &wrong}}); status(err) != http.StatusBadRequest {
			t.Errorf("a lock of words: %v", err)
		}
		made.MaxDeliveryCount = &[]int32{20}[0]
		_, err = a.UpdateQueue(t.Context(), "made", made.QueueProperties, nil)
		c.check(err)
		if config, _ := c.server.Queue("made"); config.MaxDeliveryCount != 20 {
			t.Errorf("updated to %+v", config)
		}

		var names []string
		for p := a.NewListQueuesPager(&admin.ListQueuesOptions{MaxPageSize: 1}); p.More(); {
			page, err := p.NextPage(t.Context())
			c.check(err)
			for _, q := range page.Queues {
				names = append(names, q.QueueName)
			}
		}
		if len(names) != 2 || names[0] != "made" || names[1] != "orders" {
			t.Errorf("the queues are %v", names)
		}
		_, err = a.DeleteQueue(t.Context(), "made", nil)
		c.check(err)
		if _, err := a.DeleteQueue(t.Context(), "made", nil); status(err) != http.StatusNotFound {
			t.Errorf("deleted twice: %v", err)
		}
	})
}

func TestAdministrationCounts(t *testing.T) {
	inBubble(t, sbfake.QueueConfig{}, func(t *testing.T, c *client) {
		c.send("one", "two", "three")
		r := c.receiver(nil)
		c.check(r.DeadLetterMessage(t.Context(), c.one(r, "one"), nil))
		c.one(r, "two")
		got, err := c.administration().GetQueueRuntimeProperties(t.Context(), "orders", nil)
		c.check(err)
		if got.ActiveMessageCount != 2 || got.DeadLetterMessageCount != 1 || got.TotalMessageCount != 3 || got.CreatedAt.IsZero() {
			t.Errorf("the queue has %+v", got.QueueRuntimeProperties)
		}
	})
}

func TestAdministrationFaults(t *testing.T) {
	inBubble(t, sbfake.QueueConfig{}, func(t *testing.T, c *client) {
		a := c.administration()
		for want, f := range map[int]sbfake.Fault{
			401: {Op: sbfake.OpAdmin, Status: 401, Count: 1},
			429: {Op: sbfake.OpAdmin, Status: 429, Count: 1},
			0:   {Op: sbfake.OpAdmin, Cut: true, Count: 1},
		} {
			c.server.Fault(f)
			if _, err := a.GetQueue(t.Context(), "orders", nil); err == nil || status(err) != want {
				t.Errorf("a fault of %d: %v", want, err)
			}
		}
		wrong, err := admin.NewClientFromConnectionString(c.server.ConnectionString()+"x", c.server.AdminOptions())
		c.check(err)
		if _, err := wrong.GetQueue(t.Context(), "orders", nil); status(err) != http.StatusUnauthorized {
			t.Errorf("a wrong key: %v", err)
		}
	})
}

func TestAdministrationOverTLS(t *testing.T) {
	server := sbfake.New(nil)
	defer server.Close()
	if err := server.CreateQueue("orders", sbfake.QueueConfig{}); err != nil {
		t.Fatal(err)
	}
	web := httptest.NewTLSServer(server.AdminHandler())
	defer web.Close()
	a, err := admin.NewClientFromConnectionString(server.ConnectionStringFor(web.Listener.Addr().String()),
		&admin.ClientOptions{ClientOptions: azcore.ClientOptions{Transport: web.Client(), Retry: policy.RetryOptions{MaxRetries: -1}}})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := a.GetQueue(t.Context(), "orders", nil); err != nil || got == nil {
		t.Errorf("the queue is %v, %v", got, err)
	}
	server.Fault(sbfake.Fault{Op: sbfake.OpAdmin, Cut: true})
	if _, err := a.GetQueue(t.Context(), "orders", nil); err == nil {
		t.Error("a connection that was cut has an answer")
	}
}
