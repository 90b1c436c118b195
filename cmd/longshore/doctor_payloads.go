package main

import (
	"context"
	"fmt"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

// settingPayloads is the store of large payloads.
const settingPayloads runtime.Setting = "payloads"

// storeTime bounds how long a doctor waits for the store.
const storeTime = 30 * time.Second

// examineStore asks the store of large payloads, if one is named, whether a worker could
// read from it. It answers nil when it could, or there is none. A store that cannot even
// be opened is an error.
func (o *queueFlags) examineStore(ctx context.Context) (*finding, error) {
	payloads, store, err := o.openPayloads(ctx)
	if err != nil {
		return nil, err
	}
	defer store.Close()
	if payloads == nil || payloads.Store == nil {
		return nil, nil
	}
	checker, ok := payloads.Store.(runtime.PayloadChecker)
	if !ok {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	if err := checker.CheckRead(ctx); err != nil {
		return &finding{
			Severity: severe, Setting: settingPayloads, Problem: fmt.Sprintf("the store of payloads cannot be read from: %v", err),
			Why: "a worker with it does not start, and a task whose payload is there cannot run", Fix: storeHint(err),
		}, nil
	}
	return nil, nil
}

// storeHint is what to do about a store that cannot be read from.
func storeHint(err error) string {
	switch driver.CodeOf(err) {
	case driver.NotFound:
		return "make the bucket, or correct its URL"
	case driver.PermissionDenied:
		return "give this program the rights of a worker: to get objects, and to list those under the prefix"
	}
	return "check the network, the region and the endpoint"
}
