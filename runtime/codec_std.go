//go:build lambda.norpc

package runtime

// unmarshalFast leaves all to encoding/json: a function on AWS Lambda is to be small,
// and its build has this tag.
func unmarshalFast([]byte, any) bool { return false }
