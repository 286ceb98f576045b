package schemas

// Lock is the pinned list of archives, packs and file hashes.
type Lock struct {
	archives []Archive
	packs    []Pack
}
