import { z } from 'zod';

export const closeSettings = z.strictObject({
  /** Where the API is; only a test or a proxy has another address. */
  base_url: z
    .url({ protocol: /^https?$/, error: 'base_url is the address of the API, https://api.close.com' })
    .default('https://api.close.com')
    .transform((url) => url.replace(/\/+$/, '')),
  /** Whether money is in units of its currency (12.34) or, as the app stores it, in hundredths (1234). */
  amounts: z.enum(['units', 'cents']).default('units'),
  rows_per_write: z.int().min(1).max(100).default(20),
  records_per_page: z.int().min(2).max(200).default(200),
  /** The app counts per key and group of endpoints, and every other program with the same key counts too. */
  requests_per_second: z.number().positive().max(100).default(10),
  concurrency: z.int().min(1).max(16).default(4),
  /** Milliseconds that searches and lists trail the records; reading one by its id does not. */
  index_lag: z.int().min(0).max(600_000).default(60_000),
  /** Milliseconds that a read of changes looks back: the index lags, and events are put together after the fact. */
  overlap: z.int().min(10_000).max(3_600_000).default(300_000),
  /** Milliseconds after which a request without an answer can no longer take effect. */
  request_life: z.int().min(0).max(600_000).default(120_000),
  /** Milliseconds that the time in a webhook's signature may be away from now. */
  webhook_window: z.int().min(10_000).max(259_200_000).default(300_000),
});

export type CloseSettings = z.infer<typeof closeSettings>;
