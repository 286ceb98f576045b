// Package intake finds out what came in: it turns bytes with a media type or a
// file name into orders, delivery notes, invoices and records of the canonical
// models. It is pure; it keeps nothing and guesses nothing that the bytes do not
// say.
//
// What it gives has passed the checks of its own kind: fields that are known,
// codes that exist, dates that are possible, numbers with the decimals they may
// have. Every problem is an [Error] with a stable code and the places that are
// wrong: a JSON path, an XPath, a line and column, or a row and column of a table.
package intake

import (
	"bytes"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/formats/order"
	"facteur.dev/facteur/formats/sheet"
	"facteur.dev/facteur/formats/ubl"
)

// MaxSize is the size in bytes beyond which nothing is read.
const MaxSize = 20 << 20

// Orders reads the orders that bytes of a media type hold: one, or for a table
// several.
func Orders(media string, content []byte) ([]*order.Order, error) {
	if err := size(content); err != nil {
		return nil, err
	}
	switch media {
	case JSON:
		o, err := order.ReadJSON(bytes.NewReader(content))
		return one(o, err)
	case XML:
		o, _, err := ubl.ReadOrder(content)
		if err == nil {
			err = o.Check()
		}
		return one(o, err)
	case CSV, XLSX:
		list, err := sheet.ReadOrders(bytes.NewReader(content), sheet.Options{})
		return list, refused(err)
	}
	return nil, mediaType(media)
}

func one(o *order.Order, err error) ([]*order.Order, error) {
	if err != nil {
		return nil, refused(err)
	}
	return []*order.Order{o}, nil
}

// Delivery reads a delivery note.
func Delivery(media string, content []byte) (*order.Delivery, error) {
	if err := size(content); err != nil {
		return nil, err
	}
	switch media {
	case JSON:
		d, err := order.ReadDeliveryJSON(bytes.NewReader(content))
		return d, refused(err)
	case XML:
		d, _, err := ubl.ReadDespatchAdvice(content)
		if err == nil {
			err = d.Check()
		}
		if err != nil {
			return nil, refused(err)
		}
		return d, nil
	}
	return nil, mediaType(media)
}

// Invoice reads a finished invoice. Whether its totals add up and it meets the
// rules is for others to check.
func Invoice(media string, content []byte) (*invoice.Invoice, error) {
	if err := size(content); err != nil {
		return nil, err
	}
	switch media {
	case JSON:
		inv, err := invoice.ReadJSON(bytes.NewReader(content))
		return inv, refused(err)
	case XML:
		inv, _, err := ubl.Read(content)
		return inv, refused(err)
	}
	return nil, mediaType(media)
}
