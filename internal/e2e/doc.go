// Package e2e holds the end-to-end tests: they boot the real binary on loopback,
// speak to it as programs, gateways, mail servers and people do, kill it, and look
// at what it says afterwards. It has no code of its own.
//
// A test reads like a transcript: who asks what, and what is answered. A [gate] is
// one gateway process with its data folder; an [account] is an API key of a tenant
// on it. Each test stops what it starts and is bounded in time. FACTEUR_KILL=all
// runs the kill tests at full length on every database.
package e2e
