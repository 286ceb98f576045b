package api

import (
	_ "embed"
	"net/http"

	"github.com/labstack/echo/v4"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/formats/order"
	"facteur.dev/facteur/internal/gateway"
)

// openAPIDocument describes every operation; a test holds it against the routes.
//
//go:embed openapi.json
var openAPIDocument []byte

func openAPI(c echo.Context) error { return c.JSONBlob(http.StatusOK, openAPIDocument) }

// schema gives a published JSON Schema of what is submitted.
func schema(c echo.Context) error {
	schemas := map[string]func() []byte{
		"order.json": order.Schema, "delivery.json": order.DeliverySchema, "invoice.json": invoice.Schema,
	}
	content, ok := schemas[param(c, "name")]
	if !ok {
		return gateway.ErrNotFound
	}
	return c.Blob(http.StatusOK, "application/schema+json", content())
}
