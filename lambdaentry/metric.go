package lambdaentry

import (
	"encoding/json"
	"io"
	"os"
	"time"
)

// metricsTo is where metrics go that CloudWatch reads from a function's log; nil
// outside of AWS Lambda.
var metricsTo io.Writer

func init() {
	if os.Getenv("AWS_LAMBDA_FUNCTION_NAME") != "" {
		metricsTo = os.Stdout
	}
}

// writeAllFailed counts an invocation of which all messages come again, in the embedded
// metric format: metric AllFailed of namespace Longshore. An alarm on it tells of a
// function that gets nothing done. Source: Amazon CloudWatch User Guide,
// "Specification: Embedded metric format".
func writeAllFailed(to io.Writer, messages int) {
	if to == nil {
		return
	}
	function := os.Getenv("AWS_LAMBDA_FUNCTION_NAME")
	line, err := json.Marshal(map[string]any{
		"_aws": map[string]any{
			"Timestamp": time.Now().UnixMilli(),
			"CloudWatchMetrics": []any{map[string]any{
				"Namespace": "Longshore", "Dimensions": [][]string{{"FunctionName"}},
				"Metrics": []any{map[string]string{"Name": "AllFailed", "Unit": "Count"}},
			}},
		},
		"FunctionName": function, "AllFailed": 1, "Messages": messages,
	})
	if err == nil {
		_, _ = to.Write(append(line, '\n')) // the log of a function has nobody to tell
	}
}
