package api

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/labstack/echo/v4"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/outbound"
	"facteur.dev/facteur/internal/intake"
)

// invalid is a refusal that names one place.
func invalid(path, code, message string) error {
	e := gateway.ErrInvalid.With(message, nil)
	e.Fields = []gateway.FieldProblem{{Path: path, Code: code, Message: message}}
	return e
}

// plain tells whether a text is short and has nothing that a store or a log
// could not take.
func plain(s string) bool {
	return len(s) <= 1000 && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// param is a part of the path. Echo leaves it escaped where the path was not
// written in the usual form.
func param(c echo.Context, name string) string {
	s := c.Param(name)
	if c.Request().URL.RawPath == "" {
		return s
	}
	if unescaped, err := url.PathUnescape(s); err == nil {
		return unescaped
	}
	return s
}

func id(c echo.Context) string { return param(c, "id") }

// checkTarget refuses a path that no record can have, and parameters that a route
// does not know: a filter that is misspelt would give everything. Only states and
// types may stand more than once.
func checkTarget(known []string) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			for _, name := range c.ParamNames() {
				if !plain(param(c, name)) {
					return gateway.ErrNotFound
				}
			}
			query, err := url.ParseQuery(c.Request().URL.RawQuery)
			if err != nil {
				return invalid("?", "query", "the query cannot be read")
			}
			for name, values := range query {
				switch {
				case !slices.Contains(known, name):
					return invalid(fmt.Sprintf("?%.60q", name), invoice.CodeFieldUnknown, "there is no such parameter here")
				case len(values) > 1 && name != "state" && name != "type":
					return invalid("?"+name, "query", "the parameter stands here twice")
				case slices.ContainsFunc(values, func(v string) bool { return !plain(v) }):
					return invalid("?"+name, "query", "the value is too long or has characters that no value has")
				}
			}
			return next(c)
		}
	}
}

// page reads the cursor and limit of a list.
func page(c echo.Context) (gateway.Page, error) {
	p := gateway.Page{After: c.QueryParam("after")}
	if text := c.QueryParam("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 500 {
			return p, invalid("?limit", "query", "limit is 1 to 500")
		}
		p.Limit = n
	}
	return p, nil
}

// moment reads a time of the query: RFC 3339, or a date for its start in UTC.
func moment(c echo.Context, name string) (time.Time, error) {
	text := c.QueryParam(name)
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil && t.Year() > 0 {
			return t.UTC(), nil
		}
	}
	return time.Time{}, invalid("?"+name, invoice.CodeDateInvalid, name+" is neither a date nor an RFC 3339 time")
}

// states reads the states of the query, which must exist.
func states[S ~string](c echo.Context, all []S) ([]S, error) {
	var out []S
	for _, text := range c.QueryParams()["state"] {
		if !slices.Contains(all, S(text)) {
			return nil, invalid("?state", "query", fmt.Sprintf("there is no state %.40q", text))
		}
		out = append(out, S(text))
	}
	return out, nil
}

// body reads the whole request body within its limit.
func (a *API) body(c echo.Context) ([]byte, error) {
	r := c.Request()
	if encoding := r.Header.Get(echo.HeaderContentEncoding); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return nil, &intake.Error{Code: intake.CodeMediaType, Message: fmt.Sprintf("the content encoding %.40q is not understood here", encoding)}
	}
	b, err := io.ReadAll(r.Body)
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return nil, a.tooLarge(err)
	}
	if err != nil {
		return nil, &gateway.Error{Code: "body", Message: "the body could not be read to its end", Err: err, Retryable: true}
	}
	return b, nil
}

func (a *API) tooLarge(err error) error {
	return &gateway.Error{Code: "too_large", Message: fmt.Sprintf("the body is larger than %d bytes", a.MaxBody), Err: err}
}

// maxKey is the longest idempotency key. Those of the rows of a table are longer
// by the number of the row.
const maxKey = 200

// idempotencyKey is the caller's key of a write, "" for none.
func idempotencyKey(c echo.Context) (string, error) {
	values := c.Request().Header.Values("Idempotency-Key")
	if len(values) == 0 {
		return "", nil
	}
	key := values[0]
	if len(values) > 1 || key == "" || len(key) > maxKey || strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r > '~' }) {
		return "", invalid("Idempotency-Key", "header", "an idempotency key is 1 to 200 characters of ASCII that can be printed, and stands once")
	}
	return key, nil
}

// conditional tells whether a request depends on the version that stands now.
func conditional(r *http.Request) bool {
	return r.Header.Get("If-Match") != "" || r.Header.Get("If-None-Match") != ""
}

// condition is the version that a write wants to replace: 0 for none, negative
// for any.
func condition(c echo.Context) (int64, error) {
	h := c.Request().Header
	match, none := h.Get("If-Match"), h.Get("If-None-Match")
	switch {
	case match == "" && none == "":
		return -1, nil
	case match == "" && none == "*":
		return 0, nil
	case none != "":
		return 0, invalid("If-None-Match", "header", "a write knows If-None-Match: * only, and not together with If-Match")
	}
	text, quoted := strings.CutPrefix(match, `"`)
	text, closed := strings.CutSuffix(text, `"`)
	version, err := strconv.ParseInt(text, 10, 64)
	if !quoted || !closed || err != nil || version < 1 {
		return 0, invalid("If-Match", "header", "If-Match is the one ETag that the record was read with")
	}
	return version, nil
}

// submission reads a body with who sends it and under which key, and its media type.
func (a *API) submission(c echo.Context) (outbound.Submission, string, error) {
	sub := outbound.Submission{Actor: actor(c)}
	var err error
	if sub.Key, err = idempotencyKey(c); err != nil {
		return sub, "", err
	}
	if sub.Source, err = a.body(c); err != nil {
		return sub, "", err
	}
	sub.SourceType = intake.MediaType(c.Request().Header.Get(echo.HeaderContentType), "", sub.Source)
	return sub, sub.SourceType, nil
}

// jsonObject checks that a body is one JSON object that can be kept: no repeated
// field, nothing after it, no character that no document may carry.
func jsonObject(c echo.Context, content []byte) error {
	if declared := c.Request().Header.Get(echo.HeaderContentType); declared != "" {
		t, _, err := mime.ParseMediaType(declared)
		if err != nil || t != intake.JSON && !strings.HasSuffix(t, "+json") {
			return &intake.Error{Code: intake.CodeMediaType, Message: "the body must be " + intake.JSON}
		}
	}
	const maxDepth = 64
	d := jsontext.NewDecoder(bytes.NewReader(content))
	if kind := d.PeekKind(); kind != '{' && kind != 0 {
		return invalid("", invoice.CodeFieldType, "the body must be a JSON object")
	}
	for {
		token, err := d.ReadToken()
		switch {
		case errors.Is(err, io.EOF) && d.InputOffset() > 0 && d.StackDepth() == 0:
			return nil
		case err != nil:
			return notJSON(content, d.InputOffset(), err)
		case d.StackDepth() == 0 && len(bytes.TrimSpace(content[d.InputOffset():])) > 0:
			return notJSON(content, d.InputOffset(), errors.New("something follows the object"))
		case d.StackDepth() > maxDepth:
			return invalid(string(d.StackPointer()), invoice.CodeTooDeep, fmt.Sprintf("nested deeper than %d", maxDepth))
		case token.Kind() == '"' && strings.ContainsFunc(token.String(), unprintable):
			return invalid(string(d.StackPointer()), invoice.CodeTextCharacter, "the text has a character that no document may carry")
		}
	}
}

// unprintable tells whether XML 1.0 has no way to carry a character.
func unprintable(r rune) bool {
	return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF
}

// notJSON says where a body stops being JSON.
func notJSON(content []byte, at int64, err error) error {
	var syntax *jsontext.SyntacticError
	if errors.As(err, &syntax) {
		at, err = syntax.ByteOffset, syntax.Err
	}
	before := content[:min(at, int64(len(content)))]
	return &intake.Error{
		Code: intake.CodeUnreadable, Message: "the body is not well-formed JSON",
		Fields: []invoice.FieldError{{
			Path: fmt.Sprintf("line %d, column %d", bytes.Count(before, []byte("\n"))+1, len(before)-bytes.LastIndexByte(before, '\n')),
			Code: invoice.CodeJSONSyntax, Message: err.Error(),
		}},
	}
}

// decode reads a JSON object strictly: no unknown field either.
func decode(c echo.Context, content []byte, v any) error {
	if err := jsonObject(c, content); err != nil {
		return err
	}
	err := json.Unmarshal(content, v, json.RejectUnknownMembers(true))
	var wrong *json.SemanticError
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &wrong):
		return gateway.ErrInvalid.With("the body cannot be read", err)
	case errors.Is(err, json.ErrUnknownName):
		return invalid(string(wrong.JSONPointer), invoice.CodeFieldUnknown, "there is no such field")
	}
	return invalid(string(wrong.JSONPointer), invoice.CodeFieldType, "the value does not suit this field")
}
