package pubsubfake

import (
	"encoding/base64"
	"slices"
	"strings"
)

const (
	defaultPage = 100
	maxPage     = 1000
)

// within gives the names that are of a project.
func within[T any](project string, resources map[string]T) []string {
	var names []string
	for name := range resources {
		if strings.HasPrefix(name, project+"/") {
			names = append(names, name)
		}
	}
	return names
}

// page gives a page of names in their order, and a token for the next, empty on
// the last. The token is the last name of the page.
func page(names []string, size int32, token string) (part []string, next string, err error) {
	if size < 0 {
		return nil, "", invalid("Invalid page size: %d.", size)
	}
	n := int(size)
	if n == 0 {
		n = defaultPage
	}
	n = min(n, maxPage)
	last, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return nil, "", invalid("Invalid page token.")
	}
	slices.Sort(names)
	from, found := slices.BinarySearch(names, string(last))
	if found {
		from++
	}
	part = names[from:]
	if len(part) > n {
		part = part[:n]
		next = base64.RawURLEncoding.EncodeToString([]byte(part[n-1]))
	}
	return part, next, nil
}
