package configfile

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// maxDepth is far more than a file has, and far less than would end the parser or
// keep it busy for minutes: it calls itself for each level.
const maxDepth = 100

// parse is the one document of a file.
func parse(data []byte) (root item, err error) {
	if len(data) > MaxSize {
		return item{}, &Error{1, 1, "", fmt.Sprintf("the file has more than %d bytes", MaxSize)}
	}
	defer func() { // it reads what people write, and must not end their program
		if recover() != nil {
			root, err = item{}, &Error{1, 1, "", "the file is no YAML"}
		}
	}()
	tokens := lexer.Tokenize(string(data))
	if p := tooDeep(tokens); p != nil {
		return item{}, &Error{max(1, p.Line), max(1, p.Column), "", fmt.Sprintf("it is nested more than %d levels deep; is this a configuration file?", maxDepth)}
	}
	f, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return item{}, syntaxError(err)
	}
	var docs []*ast.DocumentNode
	for _, d := range f.Docs {
		if d != nil && d.Body != nil && d.Body.Type() != ast.CommentType {
			docs = append(docs, d)
		}
	}
	switch len(docs) {
	case 0:
		return item{}, &Error{1, 1, "", "there are no queues; name at least one under queues"}
	case 1:
		return item{node: docs[0].Body}, nil
	}
	second := item{node: docs[1].Body}
	line, column := second.at()
	return item{}, &Error{line, column, "", "a second document begins; want one"}
}

// tooDeep is where the tokens are nested deeper than the parser may go, or nil. It
// counts a level too many where a key and its value stand in one line.
func tooDeep(tokens token.Tokens) *token.Position {
	const bracket = 0
	var open []int // brackets, and columns from 1, that the current token is within
	line := 0
	for _, t := range tokens {
		if t.Position == nil || t.Type == token.CommentType {
			continue
		}
		column, first := t.Position.Column, t.Position.Line != line
		line = t.Position.Line
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			open = append(open, bracket)
		case token.SequenceEndType, token.MappingEndType:
			if at := lastIndex(open, bracket); at >= 0 {
				open = open[:at]
			}
		case token.CollectEntryType:
			if at := lastIndex(open, bracket); at >= 0 {
				open = open[:at+1]
			}
		case token.SequenceEntryType, token.MappingKeyType, token.MappingValueType:
			first = true
		}
		if first {
			for len(open) > 0 && open[len(open)-1] >= column {
				open = open[:len(open)-1]
			}
			open = append(open, column)
		}
		if len(open) > maxDepth {
			return t.Position
		}
	}
	return nil
}

func lastIndex(s []int, v int) int {
	for i, x := range slices.Backward(s) {
		if x == v {
			return i
		}
	}
	return -1
}

// syntaxError takes of the parser's error what has no value of the file in it.
func syntaxError(err error) error {
	e := &Error{1, 1, "", "the file is no YAML"}
	if y, ok := errors.AsType[yaml.Error](err); ok {
		if m := y.GetMessage(); !strings.ContainsAny(m, "\"`\n") {
			e.Problem += ": " + m
		}
		if t := y.GetToken(); t != nil && t.Position != nil {
			e.Line, e.Column = max(1, t.Position.Line), max(1, t.Position.Column)
		}
	}
	return e
}

// item is a value of the file.
type item struct {
	key  string // for people: the keys that lead to it
	node ast.Node
}

// entry is a key with its value.
type entry struct {
	item
	key  string
	name item   // the key itself
	bad  string // why the key is none
}

// at is where the item begins.
func (i item) at() (line, column int) {
	node := i.node
	switch n := node.(type) {
	case *ast.MappingNode:
		if !n.IsFlowStyle && len(n.Values) > 0 {
			node = n.Values[0].Key
		}
	case *ast.MappingValueNode:
		node = n.Key
	}
	if node == nil || node.GetToken() == nil || node.GetToken().Position == nil {
		return 1, 1
	}
	p := node.GetToken().Position
	return max(1, p.Line), max(1, p.Column)
}

// entries are those of a mapping; false when it is none.
func (i item) entries() (entries []entry, ok bool) {
	var values []*ast.MappingValueNode
	switch n := i.node.(type) {
	case *ast.MappingNode:
		values = n.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{n}
	default:
		return nil, false
	}
	for _, v := range values {
		e := entry{name: item{i.key, v.Key}}
		if key, ok := v.Key.(*ast.StringNode); ok {
			e.key = key.Value
			shown := "a key"
			if isShown(e.key) {
				shown = e.key
			}
			if i.key != "" {
				shown = i.key + "." + shown
			}
			e.item = item{shown, v.Value}
			e.name.key = shown
		} else {
			e.bad = "a key is no text; use quotes for one that looks like a number"
		}
		entries = append(entries, e)
	}
	return entries, true
}

// isShown says whether a key may stand in an error: it looks like the name of
// something, and not like a key to something.
func isShown(key string) bool {
	if !isKind(key) || len(key) > 40 {
		return false
	}
	digits := 0
	for i := range len(key) {
		if isDigit(key[i]) {
			digits++
		}
	}
	return digits <= 4
}

func (i item) string() (string, bool) {
	switch n := i.node.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		if n.Value != nil {
			return n.Value.Value, true
		}
	}
	return "", false
}

func (i item) integer() (int64, bool) {
	n, ok := i.node.(*ast.IntegerNode)
	if !ok {
		return 0, false
	}
	switch v := n.Value.(type) {
	case int64:
		return v, true
	case uint64:
		return int64(min(v, 1<<62)), true
	}
	return 0, false
}

func (i item) boolean() (value, ok bool) {
	n, ok := i.node.(*ast.BoolNode)
	return ok && n.Value, ok
}

// kind is what the item is, for people.
func (i item) kind() string {
	switch i.node.(type) {
	case nil, *ast.NullNode:
		return "empty"
	case *ast.IntegerNode:
		return "a number"
	case *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "a number with a fraction, or none"
	case *ast.BoolNode:
		return "true or false"
	case *ast.StringNode, *ast.LiteralNode:
		return "a text"
	case *ast.SequenceNode:
		return "a list"
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a mapping"
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
		return "an anchor, alias or tag, which are not taken"
	}
	return "something else"
}
