import { z } from 'zod';

export const odooSettings = z.strictObject({
  base_url: z.url({
    protocol: /^https?$/,
    error: 'base_url is the address of the server, for instance https://example.odoo.com',
  }),
  database: z.string().min(1),
  /** JSON-2 needs an API key and Odoo 19; JSON-RPC works with every version and also takes a password. */
  protocol: z.enum(['json_rpc', 'json_2']).default('json_rpc'),
  /** Whose password or API key the secret is; JSON-2 needs none. */
  login: z.string().min(1).optional(),
  /** The language in which translated texts are read and written. */
  language: z.string().min(1).default('en_US'),
  /** Ids of the companies whose records are seen; the first is the current one. */
  companies: z.array(z.int().positive()).min(1).optional(),
  /** Whether an archived record is a row with `active` false, or counts as deleted. */
  archived: z.enum(['rows', 'deleted']).default('rows'),
  /** Offers computed fields that Odoo does not store as well; their changes bump no write date. */
  computed_fields: z.boolean().default(false),
  /** Writes without mails to followers and without entries in the record's history. */
  quiet: z.boolean().default(true),
  /** Only these models are discovered; without it every model the account can list. */
  models: z.array(z.string().min(1)).min(1).optional(),
  /** Milliseconds that the longest transaction of the server may take; changes are looked for so far back. */
  overlap: z.int().min(60_000).max(86_400_000).default(300_000),
  /** Milliseconds after which the server has surely ended a request (its limit_time_real). */
  request_life: z.int().min(0).max(3_600_000).default(150_000),
  requests_per_second: z.number().positive().max(100).optional(),
  rows_per_write: z.int().min(1).max(1000).default(100),
});

export type OdooSettings = z.infer<typeof odooSettings>;
