import createClient from "openapi-fetch";
import type { paths } from "./client/schema";

const [url, key] = process.argv.slice(2);
const api = createClient<paths>({ baseUrl: url, headers: { Authorization: `Bearer ${key}` } });

async function taken<T>(call: Promise<{ data?: T; error?: unknown }>): Promise<T> {
  const { data, error } = await call;
  if (data === undefined) throw new Error(JSON.stringify(error));
  return data;
}

async function main() {
  const session = await taken(
    api.POST("/api/v1/checkout/sessions", {
      params: { header: { "Idempotency-Key": "order-1042" } },
      body: { amount: 5000, currency: "XOF", metadata: { order: 1042 } },
    }),
  );
  const path = { session_id: session.id };
  const mobile_money = { operator: "orange_sn", phone_number: "+221771234500" } as const;
  await taken(
    api.POST("/api/checkout/{session_id}/pay", {
      params: { path },
      body: { payment_method: { type: "mobile_money", mobile_money } },
    }),
  );
  const retrieve = () => taken(api.GET("/api/v1/checkout/sessions/{session_id}", { params: { path } }));
  while ((await retrieve()).payment_status !== "paid") {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const query = { type: "checkout.session.completed" } as const;
  const { data } = await taken(api.GET("/api/v1/events", { params: { query } }));
  const one = { params: { path: { event_id: data[0].id } } };
  const event = await taken(api.GET("/api/v1/events/{event_id}", one));
  await taken(api.POST("/api/v1/events/{event_id}/redeliver", one));
  const body = { created_gte: event.created, created_lte: event.created };
  await taken(api.POST("/api/v1/events/redeliver", { body }));
  console.log(session.id);
}

void main();
