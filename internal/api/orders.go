package api

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"facteur.dev/facteur/formats/order"
	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/outbound"
	"facteur.dev/facteur/internal/intake"
)

// maxRecords is how many orders or records a table may hold: each is a
// transaction of its own.
const maxRecords = 2000

// submitOrder takes one order as JSON or UBL, or a table of orders.
func (a *API) submitOrder(c echo.Context) error {
	sub, media, err := a.submission(c)
	if err != nil {
		return err
	}
	orders, err := intake.Orders(media, sub.Source)
	if err != nil {
		return err
	}
	if media == intake.CSV || media == intake.XLSX {
		return a.submitTable(c, sub, orders)
	}
	orders[0].ExternalID = cmp.Or(orders[0].ExternalID, c.QueryParam("external_id"))
	answer, err := a.Intake.SubmitOrder(c.Request().Context(), tenant(c), sub, orders[0])
	if err != nil {
		return err
	}
	return created(c, answer, "/v1/orders/")
}

// row is the outcome for one order or record of a table.
type row struct {
	// Row is the number of the record's row in the file, the header counted.
	Row    int `json:"row,omitempty"`
	Status int `json:"status"`
	// Replayed tells that the order was submitted before, with this very table.
	Replayed bool            `json:"replayed,omitempty"`
	Record   json.RawMessage `json:"record,omitempty"`
	Problem  *problem        `json:"problem,omitempty"`
}

// refusedRow is the outcome of what was refused. A fault of our own is no outcome:
// it ends the whole request, whose repetition goes on where it ended.
func (a *API) refusedRow(c echo.Context, n int, err error) (row, error) {
	if toProblem(err).Status >= http.StatusInternalServerError {
		return row{}, err
	}
	p := a.problem(c, err)
	return row{Row: n, Status: p.Status, Problem: &p}, nil
}

func tooMany(n int) error {
	return &intake.Error{Code: intake.CodeTooLarge, Message: fmt.Sprintf("the table holds %d; at most %d are taken at once", n, maxRecords)}
}

// submitTable submits the orders of a table one by one, each under a key of its
// own, and answers with the outcome of each.
func (a *API) submitTable(c echo.Context, sub outbound.Submission, orders []*order.Order) error {
	if c.QueryParam("external_id") != "" {
		return invalid("?external_id", "query", "a table has a column for it")
	}
	if len(orders) > maxRecords {
		return tooMany(len(orders))
	}
	key := cmp.Or(sub.Key, outbound.KeyOf(sub.Source))
	rows := make([]row, len(orders))
	for i, o := range orders {
		sub.Key = key + "#" + strconv.Itoa(i+1)
		answer, err := a.Intake.SubmitOrder(c.Request().Context(), tenant(c), sub, o)
		rows[i] = row{Status: http.StatusCreated, Replayed: answer.Replayed, Record: answer.Body}
		if err != nil {
			if rows[i], err = a.refusedRow(c, 0, err); err != nil {
				return err
			}
		}
	}
	return c.JSON(http.StatusMultiStatus, gateway.List[row]{Items: rows})
}

// submitDelivery takes a delivery note of an order.
func (a *API) submitDelivery(c echo.Context) error {
	sub, media, err := a.submission(c)
	if err != nil {
		return err
	}
	d, err := intake.Delivery(media, sub.Source)
	if err != nil {
		return err
	}
	answer, err := a.Intake.SubmitDelivery(c.Request().Context(), tenant(c), id(c), sub, d)
	if err != nil {
		return err
	}
	return created(c, answer, "/v1/orders/"+id(c)+"/deliveries#")
}

// omitted stands for a field that lists leave out.
type omitted *struct{}

// listedOrder is an order without what was ordered.
type listedOrder struct {
	gateway.Order
	Body omitted `json:"body,omitempty"`
}

var orderStates = []gateway.OrderState{gateway.OrderReceived, gateway.OrderOpen, gateway.OrderInvoiced, gateway.OrderRejected}

func (a *API) listOrders(c echo.Context) error {
	p, err := page(c)
	if err != nil {
		return err
	}
	f := gateway.OrderFilter{Customer: c.QueryParam("customer"), ExternalID: c.QueryParam("external_id"), Number: c.QueryParam("number")}
	wanted, err := states(c, orderStates)
	if err != nil {
		return err
	}
	if len(wanted) > 1 {
		return invalid("?state", "query", "orders are listed by one state")
	}
	if len(wanted) == 1 {
		f.State = wanted[0]
	}
	return listPage(a, c, func(ctx context.Context, r gateway.Reader) (gateway.List[listedOrder], error) {
		page, err := r.Orders(ctx, f, p)
		return mapped(page, func(o gateway.Order) listedOrder { return listedOrder{Order: o} }), err
	})
}

func (a *API) getOrder(c echo.Context) error {
	version := func(o gateway.Order) int64 { return o.Version }
	return one(a, c, version, func(ctx context.Context, r gateway.Reader) (gateway.Order, error) { return r.Order(ctx, id(c)) })
}

func (a *API) listNotes(c echo.Context) error {
	return list(a, c, func(ctx context.Context, r gateway.Reader) ([]gateway.OrderDelivery, error) {
		if _, err := r.Order(ctx, id(c)); err != nil {
			return nil, err
		}
		return r.OrderDeliveries(ctx, id(c))
	})
}
