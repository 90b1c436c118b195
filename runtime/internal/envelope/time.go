package envelope

import "time"

const (
	// minTime and maxTime are the first and last second of the years 1 to 9999,
	// in seconds since 1970.
	minTime = -62135596800
	maxTime = 253402300799
	// timeLen is the most bytes in a time as Append writes it.
	timeLen = len(time.RFC3339Nano) - len("07:00")
)

func validYear(t time.Time) bool {
	s := t.Unix()
	return minTime <= s && s <= maxTime
}

// parseTime reads an RFC 3339 time of any offset and gives it in UTC. Digits
// below the nanosecond are cut off; a leap second is the second after it.
// Unlike time.Parse it takes t and z in lower case, as the RFC does, and
// nothing that the RFC does not.
func parseTime[T bytestring](s T) (time.Time, bool) {
	if len(s) < len("2006-01-02T15:04:05Z") ||
		s[4] != '-' || s[7] != '-' || s[10]|0x20 != 't' || s[13] != ':' || s[16] != ':' {
		return time.Time{}, false
	}
	year, month, day := number(s[:4]), number(s[5:7]), number(s[8:10])
	hour, minute, second := number(s[11:13]), number(s[14:16]), number(s[17:19])
	if year < 0 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) ||
		hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60 {
		return time.Time{}, false
	}
	nanos, rest, ok := fraction(s[19:])
	if !ok {
		return time.Time{}, false
	}
	offset, ok := zone(rest)
	if !ok {
		return time.Time{}, false
	}
	t := time.Date(year, time.Month(month), day, hour, minute-offset, second, nanos, time.UTC)
	if second == 60 && t.Unix()%(24*60*60) != 0 {
		return time.Time{}, false
	}
	return t, validYear(t)
}

// number is the value of s in decimal digits, -1 when it has others.
func number[T bytestring](s T) int {
	n := 0
	for i := range len(s) {
		if !isDigit(s[i]) {
			return -1
		}
		n = n*10 + int(s[i]-'0')
	}
	return n
}

func daysIn(year, month int) int {
	switch {
	case month == 4 || month == 6 || month == 9 || month == 11:
		return 30
	case month != 2:
		return 31
	case year%4 == 0 && (year%100 != 0 || year%400 == 0):
		return 29
	}
	return 28
}

// fraction reads the optional fraction of a second at the start of s.
func fraction[T bytestring](s T) (nanos int, rest T, ok bool) {
	if len(s) == 0 || s[0] != '.' {
		return 0, s, true
	}
	i := 1
	for scale := 100_000_000; i < len(s) && isDigit(s[i]); i++ {
		nanos += int(s[i]-'0') * scale
		scale /= 10
	}
	return nanos, s[i:], i > 1
}

// zone reads s as the offset from UTC, in minutes.
func zone[T bytestring](s T) (offset int, ok bool) {
	switch {
	case len(s) == 1:
		return 0, s[0]|0x20 == 'z'
	case len(s) != len("+07:00") || s[3] != ':' || s[0] != '+' && s[0] != '-':
		return 0, false
	}
	hours, minutes := number(s[1:3]), number(s[4:6])
	if hours < 0 || hours > 23 || minutes < 0 || minutes > 59 {
		return 0, false
	}
	offset = hours*60 + minutes
	if s[0] == '-' {
		offset = -offset
	}
	return offset, true
}
