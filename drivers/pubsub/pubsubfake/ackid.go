package pubsubfake

import (
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"slices"
	"strings"
)

// delivery is what an ack id says.
type delivery struct {
	subscription uint64
	message      uint64
	number       uint32 // of the delivery of that message
}

const (
	ackIDBytes = 8 + 8 + 4 + 4
	ackIDText  = ackIDBytes / 3 * 4
	// ackIDLength is about that of Google Pub/Sub, so that as many fit a request.
	ackIDLength = 176
)

var ackIDTail = strings.Repeat("-", ackIDLength-ackIDText)

// ackID gives the ack id of it's last delivery.
func (b *subscription) ackID(it *item) string {
	var d [ackIDBytes]byte
	binary.BigEndian.PutUint64(d[0:], b.uid)
	binary.BigEndian.PutUint64(d[8:], it.number)
	binary.BigEndian.PutUint32(d[16:], it.delivery)
	binary.BigEndian.PutUint32(d[20:], b.s.checksum(d[:20]))
	return base64.RawURLEncoding.EncodeToString(d[:]) + ackIDTail
}

// parseAckID is false for what this server never gave out.
func (s *Server) parseAckID(id string) (delivery, bool) {
	text, ok := strings.CutSuffix(id, ackIDTail)
	if !ok || len(text) != ackIDText {
		return delivery{}, false
	}
	d, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || binary.BigEndian.Uint32(d[20:]) != s.checksum(d[:20]) {
		return delivery{}, false
	}
	return delivery{
		subscription: binary.BigEndian.Uint64(d[0:]),
		message:      binary.BigEndian.Uint64(d[8:]),
		number:       binary.BigEndian.Uint32(d[16:]),
	}, true
}

func (s *Server) checksum(b []byte) uint32 {
	return crc32.ChecksumIEEE(binary.BigEndian.AppendUint64(slices.Clip(b), s.secret))
}
