import * as api from "./client";
import { client } from "./client/client.gen";

const [url, key] = process.argv.slice(2);
client.setConfig({ baseUrl: url, auth: key });

async function main() {
  const { data: session } = await api.createCheckoutSession({
    headers: { "Idempotency-Key": "order-1042" },
    body: { amount: 5000, currency: "XOF", metadata: { order: 1042 } },
    throwOnError: true,
  });
  const path = { session_id: session.id };
  const mobile_money = { operator: "orange_sn", phone_number: "+221771234500" } as const;
  await api.payCheckout({
    path,
    body: { payment_method: { type: "mobile_money", mobile_money } },
    throwOnError: true,
  });
  const retrieve = () => api.retrieveCheckoutSession({ path, throwOnError: true });
  while ((await retrieve()).data.payment_status !== "paid") {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const { data: list } = await api.listEvents({
    query: { type: "checkout.session.completed" },
    throwOnError: true,
  });
  const one = { path: { event_id: list.data[0].id }, throwOnError: true } as const;
  const { data: event } = await api.retrieveEvent(one);
  await api.redeliverEvent(one);
  const body = { created_gte: event.created, created_lte: event.created };
  await api.redeliverEvents({ body, throwOnError: true });
  console.log(session.id);
}

void main();
