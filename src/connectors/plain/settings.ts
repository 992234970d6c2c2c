import { z } from 'zod';

export const plainSettings = z.strictObject({
  base_url: z.url({
    protocol: /^https?$/,
    error: 'base_url is the address of the app, for instance http://127.0.0.1:4000',
  }),
  /** Milliseconds, for an app that shows its writes late. */
  write_visible_after: z.int().min(0).max(600_000).default(0),
  /** Milliseconds after which an unanswered request can no longer take effect. */
  request_life: z.int().min(0).max(600_000).default(30_000),
  /** How many rows the app takes in one request. */
  rows_per_write: z.int().min(1).max(10_000).default(100),
  /** How many records the app shows in one page. */
  records_per_page: z.int().min(1).max(10_000).default(200),
  /** Milliseconds that a read of changes looks back. */
  overlap: z.int().min(0).max(600_000).default(2_000),
});

export type PlainSettings = z.infer<typeof plainSettings>;
