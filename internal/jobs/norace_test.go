//go:build !race

package jobs_test

// raceDetector tells that everything is slow.
const raceDetector = false
