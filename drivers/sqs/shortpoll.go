package sqs

import (
	"bytes"
	"context"
	"io"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// shortPoll says a WaitTimeSeconds of 0 in the request: the SDK leaves a zero out,
// and Amazon SQS then waits for as long as the queue's
// ReceiveMessageWaitTimeSeconds says.
var shortPoll = []func(*awssqs.Options){
	awssqs.WithAPIOptions(func(stack *middleware.Stack) error {
		return stack.Build.Add(middleware.BuildMiddlewareFunc("LongshoreShortPoll", sayNoWait), middleware.Before)
	}),
}

func sayNoWait(ctx context.Context, in middleware.BuildInput, next middleware.BuildHandler) (middleware.BuildOutput, middleware.Metadata, error) {
	if request, ok := in.Request.(*smithyhttp.Request); ok && request.GetStream() != nil {
		body, err := io.ReadAll(request.GetStream())
		if err != nil {
			return middleware.BuildOutput{}, middleware.Metadata{}, err
		}
		if rest, ok := bytes.CutPrefix(body, []byte("{")); ok && len(rest) > 1 {
			body = append([]byte(`{"WaitTimeSeconds":0,`), rest...)
		}
		if request, err = request.SetStream(bytes.NewReader(body)); err != nil {
			return middleware.BuildOutput{}, middleware.Metadata{}, err
		}
		in.Request = request
	}
	return next.HandleBuild(ctx, in)
}
