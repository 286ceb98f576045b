#!/bin/sh
# Runs every fuzz target of the module, one after the other, for the given time.
set -eu
time=${1:-20s}
count=0
for file in $(grep -rl --include='*_test.go' '^func Fuzz' . | sort); do
	for target in $(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$file"); do
		echo "fuzz: $target in $(dirname "$file") for $time"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" "$(dirname "$file")"
		count=$((count + 1))
	done
done
[ "$count" -gt 0 ] || { echo 'fuzz: no target found' >&2; exit 1; }
echo "fuzz: $count targets, no failure"
