import { CheckoutSessionsApi, Configuration, EventsApi, PublicCheckoutApi } from "./client";

const [url, key] = process.argv.slice(2);
const settings = new Configuration({ basePath: url, accessToken: key });
const sessions = new CheckoutSessionsApi(settings);
const events = new EventsApi(settings);

async function main() {
  const { id: sessionId } = await sessions.createCheckoutSession({
    idempotencyKey: "order-1042",
    checkoutSessionInput: { amount: 5000, currency: "XOF", metadata: { order: 1042 } },
  });
  const mobileMoney = { operator: "orange_sn", phoneNumber: "+221771234500" } as const;
  await new PublicCheckoutApi(settings).payCheckout({
    sessionId,
    paymentInput: { paymentMethod: { type: "mobile_money", mobileMoney } },
  });
  while ((await sessions.retrieveCheckoutSession({ sessionId })).paymentStatus !== "paid") {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const { data } = await events.listEvents({ type: "checkout.session.completed" });
  const event = await events.retrieveEvent({ eventId: data[0].id });
  await events.redeliverEvent({ eventId: event.id });
  await events.redeliverEvents({ rangeInput: { createdGte: event.created, createdLte: event.created } });
  console.log(sessionId);
}

void main();
