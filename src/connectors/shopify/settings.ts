import { z } from 'zod';
import { Fault } from '../../model/fault.ts';

/** Every request names this version, and an answer made by another is not believed. */
export const API_VERSION = '2026-07';

const address = (example: string): z.ZodURL =>
  z.url({ protocol: /^https?$/, error: `An address such as ${example} was expected.` });

export const shopifySettings = z.strictObject({
  shop: z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9-]*\.myshopify\.com$/, {
    error: 'shop is the permanent name of the shop, such as my-shop.myshopify.com, without https://',
  }),
  /** Where the shop is asked, when that is not the shop's own name. */
  base_url: address('http://127.0.0.1:4000').optional(),
  /** Where the results of bulk operations lie. */
  bulk_url: address('https://storage.googleapis.com').default('https://storage.googleapis.com'),
  /** Whether whole tables are read by bulk operations instead of page by page. */
  bulk: z.boolean().default(true),
  /** Milliseconds that a read of changes looks back, because Shopify's search index lags behind its writes. */
  overlap: z.int().min(0).max(3_600_000).default(120_000),
  /** Milliseconds that searches trail the shop; reading a record by its id or handle does not. */
  index_lag: z.int().min(0).max(600_000).default(60_000),
  /** Milliseconds after which a request without an answer can no longer take effect. */
  request_life: z.int().min(0).max(600_000).default(30_000),
  /** The reason that Shopify's stock history shows for quantities that Tideway writes. */
  inventory_reason: z.string().min(1).default('correction'),
});

export type ShopifySettings = z.infer<typeof shopifySettings>;

export function shopUrl({ shop, base_url: baseUrl }: ShopifySettings): string {
  return (baseUrl ?? `https://${shop.toLowerCase()}`).replace(/\/+$/, '');
}

const parts = z.object({
  access_token: z.string().min(1).optional(),
  client_id: z.string().min(1).optional(),
  client_secret: z.string().min(1).optional(),
  old_client_secrets: z.array(z.string().min(1)).default([]),
  refresh_token: z.string().min(1).optional(),
});

/** How the shop is opened: by a token that lasts, or by one that is asked for and renewed. */
export type Credentials =
  | { readonly kind: 'static'; readonly token: string }
  | { readonly kind: 'client'; readonly id: string; readonly secret: string }
  | { readonly kind: 'pair'; readonly id: string; readonly secret: string; readonly refreshToken: string };

export function readCredentials(secret: string | null): Credentials {
  const text = secret?.trim() ?? '';
  if (text !== '' && !text.startsWith('{')) return { kind: 'static', token: text };
  const given = readParts(text);
  const { access_token: token, client_id: id, client_secret: clientSecret, refresh_token: refreshToken } = given ?? {};
  if (id !== undefined && clientSecret !== undefined) {
    if (refreshToken !== undefined) return { kind: 'pair', id, secret: clientSecret, refreshToken };
    if (token === undefined) return { kind: 'client', id, secret: clientSecret };
  }
  if (token !== undefined) return { kind: 'static', token };
  throw new Fault('SETTINGS_INVALID', 'The secret of the Shopify connection is not of a known form.', {
    suggestion:
      'Give an access token, or JSON with client_id and client_secret (and refresh_token for an expiring token).',
  });
}

/** Shopify signs with the oldest secret that is not revoked, so the older ones stay in the list for a while. */
export function signingSecrets(secret: string): readonly string[] {
  const given = readParts(secret.trim());
  if (given === undefined) return [];
  return [...(given.client_secret === undefined ? [] : [given.client_secret]), ...given.old_client_secrets];
}

function readParts(text: string): z.infer<typeof parts> | undefined {
  try {
    return parts.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
