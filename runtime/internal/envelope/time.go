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
	if second == 60 && t.Unix()%secondsPerDay != 0 {
		return time.Time{}, false
	}
	return t, validYear(t)
}

// dateOf is the date so many days after 1970-01-01, of the years 1 to 9999, in the
// Gregorian calendar. Years begin in March here, so that a leap day is the last of
// one.
func dateOf(days int64) (year, month, day int) {
	n := int(days + epoch)
	year = n / daysPer400 * 400
	n %= daysPer400
	century := min(n/daysPer100, 3) // the fourth has the leap day of the 400 years
	n -= century * daysPer100
	four := n / daysPer4
	n -= four * daysPer4
	one := min(n/365, 3)
	n -= one * 365
	year += century*100 + four*4 + one - years400
	month = (5*n + 2) / 153 // from March on 31, 30, 31, 30, 31 days, again and again
	day = n - (153*month+2)/5 + 1
	if month += 3; month > 12 {
		month, year = month-12, year+1
	}
	return year, month, day
}

const (
	secondsPerDay = 24 * 60 * 60
	daysPer4      = 4*365 + 1
	daysPer100    = 25*daysPer4 - 1
	daysPer400    = 4*daysPer100 + 1
	years400      = 400
	// epoch is 1970-01-01 in days after the first of March of the year -400.
	epoch = daysPer400 + 719468
)

// appendRFC3339 appends t, of the years 1 to 9999, as time.RFC3339Nano has it in
// UTC, in a third of the time that package time takes.
func appendRFC3339(b []byte, t time.Time) []byte {
	unix := t.Unix() - minTime // from 0 on, so that division is simple
	days, rest := unix/secondsPerDay, int(unix%secondsPerDay)
	year, month, day := dateOf(days + minTime/secondsPerDay)
	b = appendTwo(appendTwo(b, year/100), year%100)
	b = appendTwo(append(b, '-'), month)
	b = appendTwo(append(b, '-'), day)
	b = appendTwo(append(b, 'T'), rest/3600)
	b = appendTwo(append(b, ':'), rest/60%60)
	b = appendTwo(append(b, ':'), rest%60)
	if nanos := t.Nanosecond(); nanos > 0 {
		b = append(b, '.')
		for scale := 100_000_000; nanos > 0; scale /= 10 {
			b = append(b, byte('0'+nanos/scale))
			nanos %= scale
		}
	}
	return append(b, 'Z')
}

// appendTwo appends n, 0 to 99, in two digits.
func appendTwo(b []byte, n int) []byte { return append(b, byte('0'+n/10), byte('0'+n%10)) }

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
