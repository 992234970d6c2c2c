import { z } from 'zod';

const address = (name: string, example: string) =>
  z.url({ protocol: /^https?$/, error: `${name} is an address, for instance ${example}` }).optional();

export const glideSettings = z
  .strictObject({
    /** `classic` reaches every table of one app; `v2` the team's Big Tables, with versions. */
    mode: z
      .enum(['classic', 'v2'], { error: 'mode is "classic" (every table of an app) or "v2" (Big Tables)' })
      .default('classic'),
    app_id: z
      .string({ error: 'app_id is a text: the app’s id, shown under Data, Show API' })
      .regex(/^[A-Za-z0-9_-]+$/, 'app_id is the id of the app (letters and digits), not its name or its address')
      .optional(),
    /** One address for all three of Glide's hosts: a stand-in or a proxy. */
    base_url: address('base_url', 'http://127.0.0.1:4000'),
    /** Addresses of single hosts; they win over base_url. */
    function_url: address('function_url', 'https://api.glideapp.io/api/function'),
    rest_url: address('rest_url', 'https://functions.prod.internal.glideapps.com/api'),
    v2_url: address('v2_url', 'https://api.glideapps.com'),
    /** Ids of Big Tables that `classic` may search by SQL instead of reading them whole. */
    big_tables: z.array(z.string().min(1)).default([]),
    /** Spends fewer of the plan's updates: slower, in larger batches, verified later. */
    save_quota: z.boolean().default(false),
    requests_per_second: z.number().positive().max(50).optional(),
    /** Milliseconds until a write that was answered is certainly shown by reads. */
    write_visible_after: z.int().min(0).max(86_400_000).optional(),
    /** Milliseconds after which a request without an answer can no longer take effect. */
    request_life: z.int().min(0).max(86_400_000).default(300_000),
    /** `v2`: how many new rows go in one request; more go through a stash. */
    stash_above: z.int().min(1).max(1000).default(250),
    /** `v2`: what is sent to empty a cell. */
    clear_with: z.enum(['null', 'empty_text']).default('null'),
  })
  .superRefine(({ mode, app_id: appId }, context) => {
    if (mode === 'classic' && appId === undefined) {
      context.addIssue({
        code: 'custom',
        path: ['app_id'],
        message: 'app_id is missing: mode "classic" works on one app; copy its id from Data, Show API',
      });
    }
  });

export type GlideSettings = z.infer<typeof glideSettings>;

/** The three places that Glide's API is spread over, without a slash at their end. */
export function placesOf(settings: GlideSettings): { functions: string; rest: string; v2: string } {
  const base = settings.base_url?.replace(/\/+$/, '');
  const place = (own: string | undefined, path: string, real: string): string =>
    (own ?? (base === undefined ? real : base + path)).replace(/\/+$/, '');
  return {
    functions: place(settings.function_url, '/api/function', 'https://api.glideapp.io/api/function'),
    rest: place(settings.rest_url, '/api', 'https://functions.prod.internal.glideapps.com/api'),
    v2: place(settings.v2_url, '', 'https://api.glideapps.com'),
  };
}

export function appIdOf({ app_id: appId }: GlideSettings): string {
  return appId ?? '';
}
