package runtime

import "strconv"

// attemptsTold is up to which attempt tasks are counted by the one that they ended
// with; those of later ones are one number.
const attemptsTold = 10

// laterAttempts stands for the attempts beyond attemptsTold.
const laterAttempts = "more"

// endings are how many tasks ended with each attempt, the first at 0. A counter costs
// a task less than a histogram, and tells the whole distribution.
type endings [attemptsTold + 1]counter

// count counts a task that ended with an attempt, from 1.
func (e *endings) count(attempt int) { e[min(max(attempt, 1)-1, attemptsTold)].Add(1) }

// attemptName is the attempt of endings[i] as an attribute has it.
func attemptName(i int) string {
	if i == attemptsTold {
		return laterAttempts
	}
	return strconv.Itoa(i + 1)
}
