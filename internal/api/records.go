package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/intake"
)

func (a *API) listRecords(kind gateway.RecordKind) echo.HandlerFunc {
	return func(c echo.Context) error {
		p, err := page(c)
		if err != nil {
			return err
		}
		return listPage(a, c, func(ctx context.Context, r gateway.Reader) (gateway.List[gateway.Record], error) {
			return r.Records(ctx, kind, p)
		})
	}
}

func (a *API) getRecord(kind gateway.RecordKind) echo.HandlerFunc {
	version := func(r gateway.Record) int64 { return r.Version }
	return func(c echo.Context) error {
		var wanted int64
		if text := c.QueryParam("version"); text != "" {
			var err error
			if wanted, err = strconv.ParseInt(text, 10, 64); err != nil || wanted < 1 {
				return invalid("?version", "query", "version is a number from 1")
			}
		}
		return one(a, c, version, func(ctx context.Context, r gateway.Reader) (gateway.Record, error) {
			return r.Record(ctx, kind, id(c), wanted)
		})
	}
}

// putRecord writes a new version. If-Match with the ETag of the version that was
// read refuses to overwrite another's change, If-None-Match: * any record at all;
// valid_from dates the version.
func (a *API) putRecord(kind gateway.RecordKind) decision {
	return func(c echo.Context, content []byte) (outcome, error) {
		if err := jsonObject(c, content); err != nil {
			return outcome{}, err
		}
		from, err := moment(c, "valid_from")
		if err != nil {
			return outcome{}, err
		}
		current, err := condition(c)
		if err != nil {
			return outcome{}, err
		}
		rec, err := a.Records.Put(c.Request().Context(), tenant(c), actor(c),
			gateway.Record{Kind: kind, ID: id(c), ValidFrom: from, Body: content}, current)
		return outcome{written(rec), rec.Version, rec}, err
	}
}

// written is the status of a record that was written.
func written(r gateway.Record) int {
	if r.Version == 1 {
		return http.StatusCreated
	}
	return http.StatusOK
}

// importRecords takes a table of records, one a row, and answers with the outcome
// of each. A row is laid over the record that stands: it takes nothing away, and
// one that says nothing new makes no new version.
func (a *API) importRecords(kind gateway.RecordKind) decision {
	return func(c echo.Context, content []byte) (outcome, error) {
		media := intake.MediaType(c.Request().Header.Get(echo.HeaderContentType), "", content)
		table, err := intake.Records(string(kind), media, content)
		if err != nil {
			return outcome{}, err
		}
		if len(table) > maxRecords {
			return outcome{}, tooMany(len(table))
		}
		rows := make([]row, len(table))
		for i, line := range table {
			stored, status, err := a.importRecord(c, kind, line)
			if err == nil {
				rows[i] = row{Row: line.Row, Status: status}
				rows[i].Record, err = json.Marshal(stored)
			}
			if err != nil {
				if rows[i], err = a.refusedRow(c, line.Row, err); err != nil {
					return outcome{}, err
				}
			}
		}
		return outcome{status: http.StatusMultiStatus, body: gateway.List[row]{Items: rows}}, nil
	}
}

func (a *API) importRecord(c echo.Context, kind gateway.RecordKind, line intake.Record) (gateway.Record, int, error) {
	current, err := find(a, c, func(ctx context.Context, r gateway.Reader) (gateway.Record, error) {
		found, err := r.Record(ctx, kind, line.ID, 0)
		if errors.Is(err, gateway.ErrNotFound) || found.Deleted {
			return gateway.Record{Version: found.Version}, nil
		}
		return found, err
	})
	if err != nil {
		return current, 0, err
	}
	body, changed, err := line.Over(current.Body)
	if err != nil || !changed {
		return current, http.StatusOK, err
	}
	stored, err := a.Records.Put(c.Request().Context(), tenant(c), actor(c), gateway.Record{Kind: kind, ID: line.ID, Body: body}, current.Version)
	return stored, written(stored), err
}
