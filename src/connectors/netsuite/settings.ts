import { z } from 'zod';
import { Fault } from '../../model/fault.ts';

export const netsuiteSettings = z.strictObject({
  /** As NetSuite shows it (`1234567_SB1`) or as it stands in addresses (`1234567-sb1`). */
  account_id: z
    .string({ error: 'account_id is a text: the account’s id, for instance 1234567 or 1234567_SB1' })
    .regex(/^[A-Za-z0-9]+([_-][A-Za-z0-9]+)?$/, 'account_id is an id such as 1234567 or 1234567_SB1, not an address'),
  base_url: z
    .url({ protocol: /^https?$/, error: 'base_url is an address, for instance http://127.0.0.1:4000' })
    .optional(),
  /** Requests in flight; the account's limit is shared by all of its integrations. */
  concurrency: z.int().min(1).max(55).default(2),
  requests_per_second: z.number().positive().max(1000).default(10),
  /** Milliseconds that a read of changes looks back: a long save appears with an older time. */
  overlap: z.int().min(120_000).max(86_400_000).default(300_000),
  /** Milliseconds after which a request without an answer can no longer take effect: NetSuite's own limit. */
  request_life: z.int().min(0).max(3_600_000).default(900_000),
  /** Whether reads of changes ask the log of deleted records, which needs a permission of its own. */
  deletions: z.boolean().default(true),
  /** What inventory adjustments are booked to, and in which subsidiary (OneWorld accounts only). */
  adjustment_account: z.string().regex(/^\d+$/, 'adjustment_account is the internal id of an account').optional(),
  adjustment_subsidiary: z
    .string()
    .regex(/^\d+$/, 'adjustment_subsidiary is the internal id of a subsidiary')
    .optional(),
});

export type NetsuiteSettings = z.infer<typeof netsuiteSettings>;

/** The account's id as OAuth 1.0a's realm spells it. */
export function realmOf({ account_id: account }: NetsuiteSettings): string {
  return account.toUpperCase().replace('-', '_');
}

/** Where the account lives, without a slash at its end. */
export function baseOf(settings: NetsuiteSettings): string {
  if (settings.base_url !== undefined) return settings.base_url.replace(/\/+$/, '');
  const name = settings.account_id.toLowerCase().replace('_', '-');
  return `https://${name}.suitetalk.api.netsuite.com`;
}

const machine = z.strictObject({
  client_id: z.string().min(1),
  certificate_id: z.string().min(1),
  private_key: z.string().min(1),
});

const tokenBased = z.strictObject({
  consumer_key: z.string().min(1),
  consumer_secret: z.string().min(1),
  token_id: z.string().min(1),
  token_secret: z.string().min(1),
});

export type MachineSecret = z.infer<typeof machine>;
export type TokenSecret = z.infer<typeof tokenBased>;

export function secretOf(secret: string | null): MachineSecret | TokenSecret {
  let given: unknown;
  try {
    given = JSON.parse(secret ?? '');
  } catch {
    given = undefined;
  }
  const parsed = z.union([machine, tokenBased]).safeParse(given);
  if (parsed.success) return parsed.data;
  throw new Fault(
    'AUTH_REVOKED',
    'The secret of this NetSuite connection is not a JSON object of the expected parts.',
    {
      suggestion:
        'Give {"client_id", "certificate_id", "private_key"} (OAuth 2.0) or {"consumer_key", "consumer_secret", "token_id", "token_secret"} (token-based).',
    },
  );
}
