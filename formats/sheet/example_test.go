package sheet_test

import (
	"fmt"
	"log"
	"strings"

	"facteur.dev/facteur/formats/sheet"
)

func ExampleReadOrders() {
	orders, err := sheet.ReadOrders(strings.NewReader(
		"Numéro de commande;Devise;Référence article;Quantité;Prix unitaire\n"+
			"BC-12;EUR;LAM-100;2,5;89,90\n"+
			";;CAB-3G15;40;0,985\n"), sheet.Options{})
	if err != nil {
		log.Fatal(err)
	}
	for _, o := range orders {
		for _, l := range o.Lines {
			fmt.Println(o.Number, l.ID, l.Item.SellerID, l.Quantity, l.Price.Net)
		}
	}
	// Output:
	// BC-12 1 LAM-100 2.5 89.90
	// BC-12 2 CAB-3G15 40 0.985
}
