package sqs

import (
	"context"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	smithyendpoints "github.com/aws/smithy-go/endpoints"
)

// endpoints resolves the endpoint of a client once: what it depends on does not
// change, and the SDK evaluates its rules at every request. It is safe for
// concurrent use.
type endpoints struct {
	inner awssqs.EndpointResolverV2
	last  atomic.Pointer[resolved]
}

type resolved struct {
	by awssqs.EndpointParameters
	to smithyendpoints.Endpoint
}

func (e *endpoints) ResolveEndpoint(ctx context.Context, p awssqs.EndpointParameters) (smithyendpoints.Endpoint, error) {
	if r := e.last.Load(); r != nil && same(&r.by, &p) {
		return r.to, nil
	}
	to, err := e.inner.ResolveEndpoint(ctx, p)
	if err == nil {
		e.last.Store(&resolved{p, to})
	}
	return to, err
}

func same(a, b *awssqs.EndpointParameters) bool {
	return aws.ToString(a.Region) == aws.ToString(b.Region) && aws.ToString(a.Endpoint) == aws.ToString(b.Endpoint) &&
		aws.ToBool(a.UseDualStack) == aws.ToBool(b.UseDualStack) && aws.ToBool(a.UseFIPS) == aws.ToBool(b.UseFIPS)
}

var _ awssqs.EndpointResolverV2 = (*endpoints)(nil)
