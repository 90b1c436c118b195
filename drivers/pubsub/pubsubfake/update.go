package pubsubfake

import (
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// update sets the fields of config that the paths of a mask name to those of from.
// Only whole fields that are mutable may be named.
func update(config, from proto.Message, paths, mutable []string) error {
	if len(paths) == 0 {
		return invalid("The update_mask in the request must be set, and must contain a non-empty paths list.")
	}
	dst, src := config.ProtoReflect(), from.ProtoReflect()
	for _, path := range paths {
		if !slices.Contains(mutable, path) {
			return invalid("Invalid update_mask provided in the request: '%s' is not a known mutable field.", path)
		}
		field := dst.Descriptor().Fields().ByName(protoreflect.Name(path))
		if src.Has(field) {
			dst.Set(field, src.Get(field))
		} else {
			dst.Clear(field)
		}
	}
	return nil
}
