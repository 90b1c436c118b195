package sqsfake_test

import (
	"encoding/base64"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/longshore-dev/longshore/drivers/sqs/sqsfake"
)

func TestReceiptHandlesOfElsewhere(t *testing.T) {
	bubble(t, func(e *env) {
		q, other := e.queue("orders"), e.queue("others")
		e.send(q, "x")
		m := e.one(q, 0)
		e.wantCode(e.delete(other, m), "InvalidParameterValue") // given out, for another queue
		e.wantCode(e.change(other, m, 1), "InvalidParameterValue")

		s := sqsfake.New(nil)
		defer s.Close()
		there := &env{e.T, s, newClient(s)}
		there.wantCode(there.delete(there.queue("orders"), m), "ReceiptHandleIsInvalid")

		b, err := base64.StdEncoding.DecodeString(*m.ReceiptHandle)
		e.must(err)
		b[12] ^= 1
		forged := base64.StdEncoding.EncodeToString(b)
		e.wantCode(e.delete(q, types.Message{ReceiptHandle: &forged}), "ReceiptHandleIsInvalid")
		e.must(e.delete(q, m))
	})
}
