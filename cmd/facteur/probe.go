//go:build !faults

package main

// killProbe is nil: only the build for kill tests has fault points.
func killProbe(func(string) string) func(string) { return nil }
