// Pays with openapi-generator's Go client: `go run ./pay URL KEY` prints the session's id.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	api "example.com/ikawaari"
)

func must[T, R any](value T, _ R, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func main() {
	settings := api.NewConfiguration()
	settings.Servers = api.ServerConfigurations{{URL: os.Args[1]}}
	client := api.NewAPIClient(settings)
	ctx := context.WithValue(context.Background(), api.ContextAccessToken, os.Args[2])

	body := api.NewCheckoutSessionInput()
	body.SetAmount(5000)
	body.SetCurrency("XOF")
	session := must(client.CheckoutSessionsAPI.CreateCheckoutSession(ctx).IdempotencyKey("order-1042").CheckoutSessionInput(*body).Execute())
	wallet := api.NewMobileMoneyInput()
	wallet.SetPhoneNumber("+221771234500")
	wallet.SetOperator("orange_sn")
	method := api.NewPaymentMethodInput("mobile_money")
	method.SetMobileMoney(*wallet)
	must(client.PublicCheckoutAPI.PayCheckout(ctx, session.Id).PaymentInput(*api.NewPaymentInput(*method)).Execute())
	for must(client.CheckoutSessionsAPI.RetrieveCheckoutSession(ctx, session.Id).Execute()).PaymentStatus != "paid" {
		time.Sleep(100 * time.Millisecond)
	}
	listed := must(client.EventsAPI.ListEvents(ctx).Type_("checkout.session.completed").Execute())
	event := must(client.EventsAPI.RetrieveEvent(ctx, listed.Data[0].Id).Execute())
	must(client.EventsAPI.RedeliverEvent(ctx, event.Id).Execute())
	span := *api.NewRangeInput(event.Created, event.Created)
	must(client.EventsAPI.RedeliverEvents(ctx).RangeInput(span).Execute())
	fmt.Println(session.Id)
}
