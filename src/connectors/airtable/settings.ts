import { z } from 'zod';

export const airtableSettings = z.strictObject({
  base_id: z
    .string()
    .regex(
      /^app\w+$/,
      'base_id is the id of the base, for instance appAbCdEfGhIjKlMn (it stands in the address of the base)',
    ),
  base_url: z
    .url({ protocol: /^https?$/ })
    .default('https://api.airtable.com')
    .transform((url) => url.replace(/\/+$/, '')),
  /** Lets Airtable turn texts into choices and links, making what is missing. */
  typecast: z.boolean().default(false),
  /** Makes new records by their key: a record that has it already is changed instead. */
  upsert: z.boolean().default(false),
  /** Airtable allows 5 for a base, and shuts it for 30 s when there are more. */
  requests_per_second: z.number().positive().max(5).default(4),
  /** Milliseconds that a read of changes looks back: times are whole seconds. */
  overlap: z.int().min(60_000).max(3_600_000).default(120_000),
  /** Milliseconds after which an unanswered request can no longer take effect. */
  request_life: z.int().min(0).max(600_000).default(60_000),
});

export type AirtableSettings = z.infer<typeof airtableSettings>;
