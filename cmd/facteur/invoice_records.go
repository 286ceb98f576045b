package main

import (
	"bytes"
	"context"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"facteur.dev/facteur/internal/billing"
	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/records"
)

// maxRecords bounds a file of records, in bytes.
const maxRecords = 64 << 20

// recordFile is what a file of records holds; in a folder each field is a file.
type recordFile struct {
	LegalEntities []billing.Record[billing.LegalEntity] `json:"legal_entities"`
	Customers     []billing.Record[billing.Customer]    `json:"customers"`
	Items         []billing.Record[billing.Item]        `json:"items"`
}

// recordBook is read by records.Parties like the records of a tenant, so that
// orders find the same records here as in the gateway.
type recordBook struct {
	gateway.Reader // nil: it is asked for nothing but records
	byKind         map[gateway.RecordKind][]gateway.Record
	items          []billing.Record[billing.Item]
}

// readRecords reads a folder or file of records; "" gives nil.
func readRecords(path string) (*recordBook, error) {
	if path == "" {
		return nil, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, usageError("invoice.records", "--records: "+err.Error(), "")
	}
	var all recordFile
	if !info.IsDir() {
		if err := readRecordFile(path, &all); err != nil {
			return nil, err
		}
		return newRecordBook(path, all)
	}
	found := 0
	for name, list := range map[string]any{"legal_entities.json": &all.LegalEntities, "customers.json": &all.Customers, "items.json": &all.Items} {
		err := readRecordFile(filepath.Join(path, name), list)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		found++
	}
	if found == 0 {
		return nil, usageError("invoice.records", "--records: there is no legal_entities.json, customers.json or items.json in "+path, "")
	}
	return newRecordBook(path, all)
}

// readRecordFile reads JSON strictly: unknown and repeated fields are refused.
func readRecordFile(path string, into any) error {
	file, err := os.Open(path)
	if err != nil {
		return &exitError{Status: statusUsage, Code: "invoice.records", Message: "--records: " + err.Error(), Cause: err}
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxRecords+1))
	if err != nil {
		return environmentError("invoice.records", err, "")
	}
	if len(data) > maxRecords {
		return wanting("invoice.records", fmt.Sprintf("%s is larger than %d bytes", path, maxRecords))
	}
	return parseRecords(path, data, into)
}

func parseRecords(path string, data []byte, into any) error {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if err := json.Unmarshal(data, into, json.RejectUnknownMembers(true)); err != nil {
		return wanting("invoice.records", path+jsonPlace(data, err))
	}
	return nil
}

// jsonPlace says where in a file of JSON an error is, and what it is about.
func jsonPlace(data []byte, err error) string {
	var meaning *json.SemanticError
	var syntax *jsontext.SyntacticError
	offset, pointer, what := int64(-1), "", err.Error()
	switch {
	case errors.As(err, &meaning):
		offset, pointer, what = meaning.ByteOffset, string(meaning.JSONPointer), fmt.Sprintf("this cannot be a %s", meaning.JSONKind)
		if meaning.Err != nil {
			what = meaning.Err.Error()
		}
	case errors.As(err, &syntax):
		offset, pointer, what = syntax.ByteOffset, string(syntax.JSONPointer), "malformed JSON"
		if syntax.Err != nil {
			what = syntax.Err.Error()
		}
	}
	place := ""
	if offset >= 0 && offset <= int64(len(data)) {
		before := data[:offset]
		place = fmt.Sprintf(":%d", bytes.Count(before, []byte("\n"))+1)
	}
	if pointer != "" {
		place += ": " + pointer
	}
	return place + ": " + what
}

// newRecordBook indexes records by what documents may say of them.
func newRecordBook(path string, all recordFile) (*recordBook, error) {
	b := &recordBook{byKind: map[gateway.RecordKind][]gateway.Record{}, items: all.Items}
	for _, err := range []error{
		index(b, path, gateway.RecordLegalEntity, all.LegalEntities, records.EntityKeys),
		index(b, path, gateway.RecordCustomer, all.Customers, records.CustomerKeys),
		index(b, path, gateway.RecordItem, all.Items, records.ItemKeys),
	} {
		if err != nil {
			return nil, err
		}
	}
	return b, nil
}

func index[T any](b *recordBook, path string, kind gateway.RecordKind, list []billing.Record[T], keys func(T) []string) error {
	seen := map[string]bool{}
	for i := range list {
		r := &list[i]
		if strings.TrimSpace(r.ID) == "" || seen[r.ID] {
			return wanting("invoice.records", fmt.Sprintf("%s: the %s record number %d has no id, or that of another: %q", path, strings.ReplaceAll(string(kind), "_", " "), i+1, r.ID))
		}
		seen[r.ID] = true
		r.Version = max(r.Version, 1)
		body, err := stdjson.Marshal(r.Value)
		if err != nil {
			return err
		}
		b.byKind[kind] = append(b.byKind[kind], gateway.Record{Kind: kind, ID: r.ID, Version: r.Version, Keys: keys(r.Value), Body: body})
	}
	return nil
}

// RecordsByKey implements gateway.Reader.
func (b *recordBook) RecordsByKey(_ context.Context, kind gateway.RecordKind, key string) ([]gateway.Record, error) {
	var found []gateway.Record
	for _, r := range b.byKind[kind] {
		if slices.Contains(r.Keys, key) {
			found = append(found, r)
		}
	}
	return found, nil
}

// RecordAt implements gateway.Reader: a file holds the versions in force.
func (b *recordBook) RecordAt(_ context.Context, kind gateway.RecordKind, id string, _ time.Time) (gateway.Record, error) {
	for _, r := range b.byKind[kind] {
		if r.ID == id {
			return r, nil
		}
	}
	return gateway.Record{}, gateway.ErrNotFound
}

// Records implements gateway.Reader. A page holds them all.
func (b *recordBook) Records(_ context.Context, kind gateway.RecordKind, _ gateway.Page) (gateway.List[gateway.Record], error) {
	return gateway.List[gateway.Record]{Items: b.byKind[kind]}, nil
}
