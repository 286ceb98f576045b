package sqlstore

import (
	"context"

	"facteur.dev/facteur/internal/gateway"
)

var numberSeries = newTable("number_series", seriesFields, nil, "legal_entity", "kind", "period")

func seriesFields(n *gateway.NumberSeries) []field {
	return []field{
		{"legal_entity", str(&n.LegalEntity)},
		{"kind", str(&n.Kind)},
		{"period", str(&n.Period)},
		{"pattern", str(&n.Pattern)},
		{"next", num(&n.Next)},
		{"last_date", str(&n.LastDate)},
	}
}

var numbersTaken = newTable("numbers_taken", func(t *gateway.NumberTaken) []field {
	return []field{
		{"legal_entity", str(&t.Series.LegalEntity)},
		{"kind", str(&t.Series.Kind)},
		{"period", str(&t.Series.Period)},
		{"n", num(&t.N)},
		{"number", str(&t.Number)},
		{"invoice_id", str(&t.InvoiceID)},
		{"taken_at", moment{&t.TakenAt}},
	}
}, nil)

const ofSeries = "WHERE tenant = ? AND legal_entity = ? AND kind = ? AND period = ?"

// Series implements gateway.Reader.
func (s *session) Series(ctx context.Context, legalEntity, kind, period string) (gateway.NumberSeries, error) {
	return numberSeries.one(ctx, s, ofSeries, string(s.tenant), legalEntity, kind, period)
}

// AllSeries implements gateway.Reader.
func (s *session) AllSeries(ctx context.Context) ([]gateway.NumberSeries, error) {
	return numberSeries.all(ctx, s, "WHERE tenant = ? ORDER BY legal_entity, kind, period", string(s.tenant))
}

// NumbersTaken implements gateway.Reader. The series in each is as it stands now.
func (s *session) NumbersTaken(ctx context.Context, legalEntity, kind, period string) ([]gateway.NumberTaken, error) {
	taken, err := numbersTaken.all(ctx, s, ofSeries+" ORDER BY n", string(s.tenant), legalEntity, kind, period)
	if err != nil || len(taken) == 0 {
		return nil, err
	}
	series, err := s.Series(ctx, legalEntity, kind, period)
	for i := range taken {
		taken[i].Series = series
	}
	return taken, err
}

// PutSeries implements gateway.Tx.
func (s *session) PutSeries(ctx context.Context, series gateway.NumberSeries) error {
	return numberSeries.upsert(ctx, s, &series)
}

// TakeNumber implements gateway.Tx. The series' last date becomes t.Series.LastDate.
func (s *session) TakeNumber(ctx context.Context, t gateway.NumberTaken) error {
	moved, err := s.exec(ctx, "UPDATE number_series SET next = next + 1, last_date = ? "+ofSeries+" AND next = ?",
		t.Series.LastDate, string(s.tenant), t.Series.LegalEntity, t.Series.Kind, t.Series.Period, t.N)
	if err != nil {
		return err
	}
	if moved == 0 {
		return gateway.ErrConflict.With("the next number of the series is another one", nil)
	}
	_, err = numbersTaken.insert(ctx, s, &t, "")
	return s.fail(err)
}
