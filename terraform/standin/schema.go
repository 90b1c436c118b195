package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// provider is what terraform providers schema -json prints of one provider.
type provider struct {
	Provider    schema            `json:"provider"`
	Resources   map[string]schema `json:"resource_schemas"`
	DataSources map[string]schema `json:"data_source_schemas"`
}

type schema struct {
	Block block `json:"block"`
}

type block struct {
	Attributes map[string]attribute `json:"attributes"`
	BlockTypes map[string]nested    `json:"block_types"`
}

type attribute struct {
	Type     json.RawMessage `json:"type"`
	Required bool            `json:"required"`
	Optional bool            `json:"optional"`
	Computed bool            `json:"computed"`
}

type nested struct {
	NestingMode string `json:"nesting_mode"`
	Block       block  `json:"block"`
	MinItems    uint64 `json:"min_items"`
	MaxItems    uint64 `json:"max_items"`
}

// nestings are the numbers of NestedBlock.NestingMode.
var nestings = map[string]uint64{"single": 1, "list": 2, "set": 3}

// encodeProvider is the JSON as a GetProviderSchema.Response of tfplugin6.
func encodeProvider(text []byte) ([]byte, error) {
	var p provider
	if err := json.Unmarshal(text, &p); err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	var m message
	one, err := p.Provider.encode()
	if err != nil {
		return nil, fmt.Errorf("schema of the provider: %w", err)
	}
	m.bytes(1, one)
	for field, all := range map[int]map[string]schema{2: p.Resources, 3: p.DataSources} {
		for _, name := range sorted(all) {
			one, err := all[name].encode()
			if err != nil {
				return nil, fmt.Errorf("schema of %s: %w", name, err)
			}
			var entry message
			entry.bytes(1, []byte(name))
			entry.bytes(2, one)
			m.bytes(field, entry)
		}
	}
	return m, nil
}

func (s schema) encode() ([]byte, error) {
	b, err := s.Block.encode()
	var m message
	m.bytes(2, b)
	return m, err
}

func (b block) encode() ([]byte, error) {
	var m message
	for _, name := range sorted(b.Attributes) {
		a := b.Attributes[name]
		var one message
		one.bytes(1, []byte(name))
		one.bytes(2, a.Type)
		one.bool(4, a.Required)
		one.bool(5, a.Optional)
		one.bool(6, a.Computed)
		m.bytes(2, one)
	}
	for _, name := range sorted(b.BlockTypes) {
		n := b.BlockTypes[name]
		mode, ok := nestings[n.NestingMode]
		if !ok {
			return nil, fmt.Errorf("block %s: nesting mode %q is not known", name, n.NestingMode)
		}
		inner, err := n.Block.encode()
		if err != nil {
			return nil, fmt.Errorf("block %s: %w", name, err)
		}
		var one message
		one.bytes(1, []byte(name))
		one.bytes(2, inner)
		one.number(3, mode)
		one.number(4, n.MinItems)
		one.number(5, n.MaxItems)
		m.bytes(3, one)
	}
	return m, nil
}

// message is a message of Protocol Buffers that is being written.
type message []byte

func (m *message) number(field int, v uint64) {
	*m = binary.AppendUvarint(*m, uint64(field)<<3)
	*m = binary.AppendUvarint(*m, v)
}

func (m *message) bool(field int, v bool) {
	if v {
		m.number(field, 1)
	}
}

func (m *message) bytes(field int, v []byte) {
	*m = binary.AppendUvarint(*m, uint64(field)<<3|2)
	*m = binary.AppendUvarint(*m, uint64(len(v)))
	*m = append(*m, v...)
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
