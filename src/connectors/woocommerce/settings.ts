import { z } from 'zod';

export const wooSettings = z.strictObject({
  base_url: z
    .url({ protocol: /^https?$/, error: 'base_url is the address of the shop, for instance https://shop.example.com' })
    .transform((url) => url.replace(/\/+$/, '')),
  /** What the shop calls itself, when that differs from base_url: OAuth over plain http signs this address. */
  home_url: z.url({ protocol: /^https?$/ }).optional(),
  /** `query` puts the keys into the address, for hosts that strip the Authorization header; https only. */
  auth: z.enum(['header', 'query']).default('header'),
  /** Sends PUT and DELETE as POST, for firewalls that block them. */
  method_override: z.boolean().default(false),
  /** What a delete does to products, orders and coupons; other records have no bin. */
  deletes: z.enum(['trash', 'permanent']).default('trash'),
  /** Keys of meta data that are columns (`meta:<key>`), by table. */
  meta: z.record(z.string(), z.array(z.string().min(1))).default({}),
  rows_per_write: z.int().min(1).max(100).default(100),
  records_per_page: z.int().min(2).max(100).default(100),
  requests_per_second: z.number().positive().max(100).default(4),
  concurrency: z.int().min(1).max(16).default(2),
  /** Milliseconds that a read of changes looks back: times are whole seconds, and a slow request commits late. */
  overlap: z.int().min(1_000).max(3_600_000).default(10_000),
  /** Milliseconds after which an unanswered request has surely ended: PHP goes on for a while after a caller has hung up. */
  request_life: z.int().min(0).max(3_600_000).default(120_000),
});

export type WooSettings = z.infer<typeof wooSettings>;

const keys = z.strictObject({
  consumer_key: z.string().min(1),
  consumer_secret: z.string().min(1),
  /** Of webhooks that somebody made by hand. */
  webhook_secret: z.string().min(1).optional(),
});

export type WooKeys = z.infer<typeof keys>;

/** Undefined when the secret is not what `describe` says it is. */
export function readKeys(secret: string | null): WooKeys | undefined {
  try {
    return keys.safeParse(JSON.parse(secret ?? '')).data;
  } catch {
    return undefined;
  }
}
