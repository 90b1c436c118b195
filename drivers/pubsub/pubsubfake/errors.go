package pubsubfake

import (
	"fmt"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func invalid(format string, args ...any) error {
	return status.Errorf(codes.InvalidArgument, format, args...)
}

func notFound(name string) error {
	return status.Errorf(codes.NotFound, "Resource not found (resource=%s).", name)
}

func alreadyExists(id string) error {
	return status.Errorf(codes.AlreadyExists, "Resource already exists in the project (resource=%s).", id)
}

func unimplemented(what, instead string) error {
	return status.Errorf(codes.Unimplemented, "pubsubfake: %s; %s", what, instead)
}

// detailed adds a detail to an error.
func detailed(st *status.Status, info *errdetails.ErrorInfo) error {
	with, err := st.WithDetails(info)
	if err != nil {
		panic(fmt.Sprintf("pubsubfake: details of %v: %v", st, err)) // only for OK, or what cannot be encoded
	}
	return with.Err()
}
