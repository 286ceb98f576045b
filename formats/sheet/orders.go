package sheet

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/formats/order"
)

// ReadOrders reads the orders of a CSV or XLSX file, in the order in which they
// begin, and checks them (order.Check). The error is [invoice.FieldErrors], or one
// of reading r; there are no orders then.
func ReadOrders(r io.Reader, o Options) ([]*order.Order, error) {
	t, err := readTable(r, OrderColumns(), o)
	if err != nil {
		return nil, err
	}
	g := gathering{table: t, columns: orderColumns(), byNumber: map[string]*gathered{}}
	for i := range t.rows {
		g.row(&t.rows[i])
	}
	var list []*order.Order
	for _, found := range g.orders {
		g.finish(found)
		list = append(list, &found.order)
	}
	if len(t.errs) > 0 {
		return nil, t.errs
	}
	return list, nil
}

// gathering collects the rows of orders.
type gathering struct {
	*table
	columns  []orderColumn
	orders   []*gathered
	byNumber map[string]*gathered
}

// gathered is an order and where it stands in the file.
type gathered struct {
	order order.Order
	given map[string]int // row of each field of the order, by column key
	text  map[string]string
	rows  []int // row of each line
}

// row adds a row to the order it names, or to the one above it.
func (g *gathering) row(row *Row) {
	number, named := row.Values["order_number"]
	if !named && len(g.orders) == 0 {
		g.fail(place(row.Line, g.headers["order_number"]), invoice.CodeFieldMissing, "the first order has no number")
		return
	}
	var found *gathered
	if !named {
		found = g.orders[len(g.orders)-1]
	} else if found = g.byNumber[number]; found == nil {
		found = &gathered{given: map[string]int{}, text: map[string]string{}}
		g.byNumber[number] = found
	}
	// The order whose row this is continues with rows that name none.
	if len(g.orders) == 0 || g.orders[len(g.orders)-1] != found {
		if len(found.given) > 0 {
			g.fail(place(row.Line, g.headers["order_number"]), CodeConflict,
				"order %s already stands from row %d on, with other orders between", quoted(number), found.given["order_number"])
			return
		}
		g.orders = append(g.orders, found)
	}
	g.needed(row)
	line := order.Line{}
	for _, c := range g.columns {
		text, ok := row.Values[c.Key]
		switch {
		case !ok:
		case c.onLine:
			c.line(&line, value{text})
		default:
			g.headField(found, row, c, text)
		}
	}
	found.order.Lines = append(found.order.Lines, line)
	found.rows = append(found.rows, row.Line)
}

// needed finds cells that say nothing without another.
func (g *gathering) needed(row *Row) {
	for _, n := range needs {
		if _, ok := row.Values[n.key]; !ok {
			continue
		}
		if !slices.ContainsFunc(n.others, func(other string) bool { _, ok := row.Values[other]; return ok }) {
			g.fail(place(row.Line, g.headers[n.key]), invoice.CodeFieldMissing, "says nothing without the column %s", n.others[0])
		}
	}
}

// headField sets a field of the order, which its rows must agree on.
func (g *gathering) headField(found *gathered, row *Row, c orderColumn, text string) {
	first, given := found.given[c.Key]
	switch {
	case !given:
		found.given[c.Key], found.text[c.Key] = row.Line, text
		c.order(&found.order, value{text})
	case found.text[c.Key] != text:
		g.fail(place(row.Line, g.headers[c.Key]), CodeConflict, "%s differs from %s in row %d of the same order",
			quoted(text), quoted(found.text[c.Key]), first)
	}
}

// finish numbers the lines of an order that has no line numbers, drops what says
// nothing, and tells the problems of the order by row and column.
func (g *gathering) finish(found *gathered) {
	o := &found.order
	numbered := false
	for i := range o.Lines {
		numbered = numbered || o.Lines[i].ID != ""
	}
	for i := range o.Lines {
		if !numbered {
			o.Lines[i].ID = strconv.Itoa(i + 1)
		}
	}
	var problems invoice.FieldErrors
	if !errors.As(o.Check(), &problems) {
		return
	}
	for _, p := range problems {
		g.fail(g.placeOf(found, p.Path), p.Code, "%s", p.Message)
	}
}

// placeOf is the cell of a field of an order: "lines[2].quantity".
func (g *gathering) placeOf(found *gathered, path string) string {
	row, field, onLine := found.rows[0], path, false
	if rest, ok := strings.CutPrefix(path, "lines["); ok {
		index, after, _ := strings.Cut(rest, "]")
		if i, err := strconv.Atoi(index); err == nil && i < len(found.rows) {
			row, field, onLine = found.rows[i], strings.TrimPrefix(after, "."), true
		}
	}
	for _, c := range g.columns {
		header, there := g.headers[c.Key]
		if c.onLine != onLine || c.path != field || !there {
			continue
		}
		if given, ok := found.given[c.Key]; ok && !onLine {
			row = given
		}
		return place(row, header)
	}
	return fmt.Sprintf("row %d", row)
}
