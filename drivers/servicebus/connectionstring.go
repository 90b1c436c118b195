package servicebus

import (
	"errors"
	"fmt"
	"strings"
)

// connectionString is what the driver reads of a connection string. The client library
// reads the rest.
type connectionString struct {
	endpoint string // sb://HOST, with a port on an emulator
	entity   string // the queue that it is for; empty for all
	emulator bool
}

// parseConnection reads a connection string. Its errors name keys and never repeat a
// value, which may be a secret.
func parseConnection(text string) (connectionString, error) {
	values := make(map[string]string)
	for part := range strings.SplitSeq(text, ";") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		key, value, ok := strings.Cut(part, "=")
		if !ok {
			return connectionString{}, errors.New("a part of the connection string has no =; want Endpoint=sb://HOST/;SharedAccessKeyName=NAME;SharedAccessKey=KEY")
		}
		values[strings.ToLower(key)] = value
	}
	c := connectionString{endpoint: values["endpoint"], entity: values["entitypath"]}
	host, isHost := strings.CutPrefix(c.endpoint, "sb://")
	host = strings.TrimSuffix(host, "/")
	hasKey := values["sharedaccesskeyname"] != "" && values["sharedaccesskey"] != ""
	switch emulator := strings.ToLower(values["usedevelopmentemulator"]); {
	case c.endpoint == "":
		return c, errors.New("the connection string has no Endpoint")
	case !isHost || host == "" || strings.ContainsAny(host, "/?#@ "):
		return c, errors.New("the Endpoint of the connection string is not sb://HOST/")
	case emulator != "" && emulator != "true" && emulator != "false":
		return c, errors.New("UseDevelopmentEmulator in the connection string is not true or false")
	case !hasKey && values["sharedaccesssignature"] == "":
		return c, fmt.Errorf("the connection string has no %s; want SharedAccessKeyName and SharedAccessKey", missingKey(values))
	default:
		c.emulator = emulator == "true"
	}
	return c, nil
}

func missingKey(values map[string]string) string {
	if values["sharedaccesskeyname"] == "" {
		return "SharedAccessKeyName"
	}
	return "SharedAccessKey"
}
