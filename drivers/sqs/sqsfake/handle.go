package sqsfake

import (
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"slices"
)

// receipt is what a receipt handle says.
type receipt struct {
	queue   uint64
	message uint64
	receipt uint32
}

const handleSize = 8 + 8 + 4 + 4

// handle gives the receipt handle of m's last receive.
func (s *Server) receiptHandle(m *message, q *queue) string {
	var b [handleSize]byte
	binary.BigEndian.PutUint64(b[0:], q.uid)
	binary.BigEndian.PutUint64(b[8:], m.number)
	binary.BigEndian.PutUint32(b[16:], m.receipt)
	binary.BigEndian.PutUint32(b[20:], s.checksum(b[:20]))
	return base64.StdEncoding.EncodeToString(b[:])
}

// parseHandle is false for what this server never gave out.
func (s *Server) parseHandle(h string) (receipt, bool) {
	b, err := base64.StdEncoding.DecodeString(h)
	if err != nil || len(b) != handleSize || binary.BigEndian.Uint32(b[20:]) != s.checksum(b[:20]) {
		return receipt{}, false
	}
	return receipt{
		queue:   binary.BigEndian.Uint64(b[0:]),
		message: binary.BigEndian.Uint64(b[8:]),
		receipt: binary.BigEndian.Uint32(b[16:]),
	}, true
}

func (s *Server) checksum(b []byte) uint32 {
	return crc32.ChecksumIEEE(binary.BigEndian.AppendUint64(slices.Clip(b), s.secret))
}
