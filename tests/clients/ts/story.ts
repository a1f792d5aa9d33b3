// A customer books, a technician does the job: type-checked against the client that the document generates.
import createClient from "openapi-fetch";
import type { components, paths } from "./schema";

type Booking = components["schemas"]["CustomerBookingsBookingOut"];

export async function customer(url: string, token: string): Promise<Booking[]> {
  const api = createClient<paths>({ baseUrl: url, headers: { Authorization: `Bearer ${token}` } });
  const sent = await api.POST("/v1/auth/send-otp", { body: { phone_number: "+911234567890", purpose: "login" } });
  const life: number | undefined = sent.data?.expires_in;
  const catalogue = await api.GET("/v1/services/catalog", { params: { query: { category: "Facial" } } });
  const service = catalogue.data?.data.all_services[0];
  if (service === undefined) throw new Error(`nothing to book; the code lives ${life}`);
  const price: number = service.product_cost;
  const offered = await api.POST("/v1/checkout/prepare", { body: { service_ids: [service.id] } });
  if (offered.error) {
    const first: string[] | undefined = Object.values(offered.error.error.details ?? {})[0] as string[] | undefined;
    throw new Error(first?.[0] ?? offered.error.message);
  }
  const city: string | null | undefined = offered.data.data.address?.city;
  const found: Booking[] = [];
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<typeof list>> = await list(cursor);
    found.push(...page.bookings);
    cursor = page.pagination.cursor;
    const exact: boolean = page.pagination.total_is_exact;
    if (!exact) console.log(`more than ${page.pagination.total}; ${city} ${price}`);
  } while (cursor !== null);
  return found;

  async function list(after: string | null) {
    const query = { status: ["confirmed" as const, "completed" as const], limit: 100, sort: ["-created_at" as const] };
    const { data, error } = await api.GET("/v1/bookings", {
      params: { query: after === null ? query : { ...query, cursor: after } },
    });
    if (error) throw new Error(error.message);
    return data.data;
  }
}

export async function technician(url: string, token: string, id: string): Promise<number> {
  const api = createClient<paths>({ baseUrl: url, headers: { Authorization: `Bearer ${token}` } });
  const done = await api.PATCH("/v1/partner/bookings/{id}/status", {
    params: { path: { id } }, body: { status: "in_transit" },
  });
  const state: string | undefined = done.data?.data.booking.assignment_status;
  const { data } = await api.GET("/v1/partner/earnings", { params: { query: { date_from: "2026-01-01" } } });
  if (data === undefined) throw new Error(state ?? "no earnings");
  return data.data.total_earnings;
}
