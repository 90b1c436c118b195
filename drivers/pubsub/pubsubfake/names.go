package pubsubfake

import "strings"

// split gives project and id of a name such as projects/p/topics/orders, whose
// kind is topics or subscriptions. The id has 3 to 255 letters, digits and
// -_.~+%, begins with a letter and not with goog (Google Pub/Sub documentation,
// "Create a topic", on resource names).
func split(name, kind string) (project, id string, err error) {
	parts := strings.Split(name, "/")
	if len(parts) != 4 || parts[0] != "projects" || parts[1] == "" || parts[2] != kind || !validID(parts[3]) {
		return "", "", invalid("Invalid [%s] name: (name=%s)", kind, name)
	}
	return parts[1], parts[3], nil
}

func checkProject(name string) error {
	project, ok := strings.CutPrefix(name, "projects/")
	if !ok || project == "" || strings.Contains(project, "/") {
		return invalid("Invalid [projects] name: (name=%s)", name)
	}
	return nil
}

func validID(id string) bool {
	if len(id) < 3 || len(id) > 255 || strings.HasPrefix(id, "goog") {
		return false
	}
	for i, c := range []byte(id) {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		other := '0' <= c && c <= '9' || strings.IndexByte("-_.~+%", c) >= 0
		if !letter && (i == 0 || !other) {
			return false
		}
	}
	return true
}
