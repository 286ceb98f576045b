package billing

import (
	"errors"
	"fmt"
	"maps"
	"reflect"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/formats/order"
)

var (
	zero    invoice.Decimal
	hundred = invoice.NewDecimal(100, 0)
)

// ledger counts one order: what was ordered, delivered and invoiced of each line.
type ledger struct {
	order     *order.Order
	lines     map[string]*order.Line
	units     map[string]string // by order line, from the order or the item's record
	notes     []order.Delivery  // each once
	limit     map[string]invoice.Decimal
	delivered map[string]invoice.Decimal
	invoiced  map[string]invoice.Decimal
	byNote    map[noteLine]invoice.Decimal // invoiced of a note's lines
	errs      invoice.FieldErrors
}

type noteLine struct{ note, line string }

// newLedger adds up the input and refuses quantities that do not belong to the
// order.
func newLedger(in *Input, units map[string]string) (*ledger, error) {
	l := &ledger{
		order:     in.Order,
		lines:     make(map[string]*order.Line, len(in.Order.Lines)),
		units:     units,
		limit:     make(map[string]invoice.Decimal, len(in.Order.Lines)),
		delivered: map[string]invoice.Decimal{},
		invoiced:  map[string]invoice.Decimal{},
		byNote:    map[noteLine]invoice.Decimal{},
	}
	allowed := hundred.Add(in.Tolerance.Percent)
	for i := range in.Order.Lines {
		line := &in.Order.Lines[i]
		l.lines[line.ID] = line
		l.limit[line.ID] = plain(line.Quantity.Mul(allowed).Div(hundred, order.MaxDecimals))
	}
	l.addInvoiced(in.Invoiced)
	l.addDeliveries(in)
	if len(l.errs) > 0 {
		return nil, l.errs
	}
	return l, nil
}

func (l *ledger) addInvoiced(list []Invoiced) {
	for i, taken := range list {
		for id, quantity := range taken.Lines {
			if l.lines[id] == nil {
				l.fail(fmt.Sprintf("invoiced[%d].lines", i), CodeUnknownLine, "the order has no line %.40q", id)
				continue
			}
			l.invoiced[id] = l.invoiced[id].Add(quantity)
			if taken.Note != "" {
				key := noteLine{taken.Note, id}
				l.byNote[key] = l.byNote[key].Add(quantity)
			}
		}
	}
}

func (l *ledger) addDeliveries(in *Input) {
	seen := map[string]int{}
	for i := range in.Deliveries {
		note, path := &in.Deliveries[i], fmt.Sprintf("deliveries[%d]", i)
		if first, ok := seen[note.ID]; ok {
			if !sameNote(note, &in.Deliveries[first]) {
				l.fail(path+".id", CodeNoteConflict, "another delivery note has the number %.40q", note.ID)
			}
			continue // the same note again
		}
		seen[note.ID] = i
		var problems invoice.FieldErrors
		if errors.As(note.Check(), &problems) {
			for _, e := range problems {
				e.Path = path + "." + e.Path
				l.errs = append(l.errs, e)
			}
			continue
		}
		if n := note.OrderNumber; n != "" && n != l.order.Number {
			l.fail(path+".order_number", CodeOtherOrder, "the note delivers order %.40q, not %.40q", n, l.order.Number)
			continue
		}
		l.addNote(path, note)
	}
}

// addNote counts the lines of a note that belong to this order; others may belong
// to other orders and are theirs to count.
func (l *ledger) addNote(path string, note *order.Delivery) {
	mine := *note
	mine.Lines = nil
	for j := range note.Lines {
		line := note.Lines[j]
		if n := note.OrderOf(&line); n != "" && n != l.order.Number {
			continue
		}
		ordered, unit := l.lines[line.OrderLine], l.units[line.OrderLine]
		path := fmt.Sprintf("%s.lines[%d]", path, j)
		switch {
		case ordered == nil:
			l.fail(path+".order_line", CodeUnknownLine, "the order has no line %.40q", line.OrderLine)
			continue
		case line.Unit != "" && unit != "" && line.Unit != unit:
			l.fail(path+".unit", CodeUnitMismatch, "delivered in %s, but order line %.40s is in %s",
				line.Unit, ordered.ID, unit)
			continue
		}
		l.delivered[ordered.ID] = l.delivered[ordered.ID].Add(line.Quantity)
		mine.Lines = append(mine.Lines, line)
	}
	l.notes = append(l.notes, mine)
}

// sameNote tells whether a repeated note says the same as the first.
func sameNote(a, b *order.Delivery) bool { return reflect.DeepEqual(normal(*a), normal(*b)) }

// normal is a note in the form in which equal notes are deeply equal: quantities
// with the same number of decimals.
func normal(d order.Delivery) order.Delivery {
	lines := make([]order.DeliveryLine, len(d.Lines))
	for i, line := range d.Lines {
		line.Quantity = line.Quantity.Round(order.MaxDecimals)
		if line.Outstanding != nil {
			line.Outstanding = line.Outstanding.Round(order.MaxDecimals).Ptr()
		}
		lines[i] = line
	}
	d.Lines = lines
	return d
}

func (l *ledger) fail(path, code, format string, args ...any) {
	l.errs = append(l.errs, invoice.FieldError{Path: path, Code: code, Message: fmt.Sprintf(format, args...)})
}

// step is what one draft takes, and how much of each line was invoiced before it.
type step struct {
	note   *order.Delivery // nil when invoiced on order
	takes  map[string]invoice.Decimal
	before map[string]invoice.Decimal
}

// onOrder takes all that was ordered and is not invoiced.
func (l *ledger) onOrder() []*step {
	s := &step{takes: map[string]invoice.Decimal{}}
	for i := range l.order.Lines {
		line := &l.order.Lines[i]
		l.take(s, line.ID, line.Quantity.Sub(l.invoiced[line.ID]))
	}
	if len(s.takes) == 0 {
		return nil
	}
	return []*step{s}
}

// onDelivery takes, note by note, what was delivered and not invoiced with the
// note, as long as neither the delivered nor the allowed quantity is exceeded.
func (l *ledger) onDelivery() []*step {
	var steps []*step
	for i := range l.notes {
		note := &l.notes[i]
		s := &step{note: note, takes: map[string]invoice.Decimal{}}
		for id, delivered := range noteQuantities(note) {
			pending := delivered.Sub(l.byNote[noteLine{note.ID, id}])
			room := smaller(l.limit[id], l.delivered[id]).Sub(l.invoiced[id])
			l.take(s, id, smaller(pending, room))
		}
		if len(s.takes) > 0 {
			steps = append(steps, s)
		}
	}
	return steps
}

func (l *ledger) take(s *step, id string, quantity invoice.Decimal) {
	if quantity.Sign() <= 0 {
		return
	}
	if s.before == nil {
		s.before = maps.Clone(l.invoiced)
	}
	s.takes[id] = quantity
	l.invoiced[id] = l.invoiced[id].Add(quantity)
}

func noteQuantities(note *order.Delivery) map[string]invoice.Decimal {
	sum := map[string]invoice.Decimal{}
	for i := range note.Lines {
		line := &note.Lines[i]
		sum[line.OrderLine] = sum[line.OrderLine].Add(line.Quantity)
	}
	return sum
}

// remainder is what stays open.
func (l *ledger) remainder() Remainder {
	r := Remainder{Complete: true, Lines: make([]LineRemainder, 0, len(l.order.Lines))}
	for i := range l.order.Lines {
		line := &l.order.Lines[i]
		delivered, invoiced := l.delivered[line.ID], l.invoiced[line.ID]
		entry := LineRemainder{
			OrderLine: line.ID,
			Unit:      l.units[line.ID],
			Ordered:   line.Quantity,
			Delivered: delivered,
			Invoiced:  invoiced,
			Open:      atLeastZero(line.Quantity.Sub(invoiced)),
			ToDeliver: atLeastZero(line.Quantity.Sub(delivered)),
			Excess:    atLeastZero(delivered.Sub(l.limit[line.ID])),
		}
		r.Complete = r.Complete && entry.Open.IsZero()
		r.Lines = append(r.Lines, entry)
	}
	return r
}

func smaller(a, b invoice.Decimal) invoice.Decimal {
	if b.Cmp(a) < 0 {
		return b
	}
	return a
}

func atLeastZero(d invoice.Decimal) invoice.Decimal {
	if d.Sign() < 0 {
		return zero
	}
	return d
}

// plain is the number without trailing zeros after the point.
func plain(d invoice.Decimal) invoice.Decimal {
	for places := range int32(d.Scale()) {
		if short := d.Round(places); short.Equal(d) {
			return short
		}
	}
	return d
}
