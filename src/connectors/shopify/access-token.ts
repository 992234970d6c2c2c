import { createHash } from 'node:crypto';
import { z } from 'zod';
import { Fault } from '../../model/fault.ts';
import type { Session, TokenStore } from '../connector.ts';
import { readCredentials, shopUrl, type Credentials, type ShopifySettings } from './settings.ts';

/** Renewed so much before its end, in milliseconds. */
const EARLY = 5 * 60_000;

const granted = z.object({
  access_token: z.string().min(1),
  expires_in: z.number().positive().optional(),
  refresh_token: z.string().min(1).optional(),
});

const kept = z.object({
  /** Which secret it was obtained with: a person may have given another since. */
  from: z.string(),
  access_token: z.string(),
  expires_at: z.number(),
  refresh_token: z.string().optional(),
});

type Kept = z.infer<typeof kept>;
type Renewable = Exclude<Credentials, { kind: 'static' }>;

/**
 * Renewals under way, by the connection's token store: both lanes of a connection may find the token expired at
 * once, and a refresh token that is used twice ends the pair.
 */
const renewals = new WeakMap<TokenStore, Promise<string>>();

/** The token for the next request; `refused` is one that the shop has just not accepted. */
export async function accessToken(session: Session<ShopifySettings>, refused?: string): Promise<string> {
  const credentials = readCredentials(session.secret);
  if (credentials.kind === 'static') return credentials.token;
  const known = usable(session, await load(session, credentials), refused);
  if (known !== undefined) return known;
  const underWay = renewals.get(session.tokens);
  if (underWay !== undefined) return underWay;
  const renewal = renew(session, credentials, refused).finally(() => renewals.delete(session.tokens));
  renewals.set(session.tokens, renewal);
  return renewal;
}

function usable(session: Session<ShopifySettings>, known: Kept | undefined, refused?: string): string | undefined {
  if (known === undefined || known.access_token === refused || known.expires_at - EARLY <= session.now()) {
    return undefined;
  }
  return known.access_token;
}

async function renew(session: Session<ShopifySettings>, credentials: Renewable, refused?: string): Promise<string> {
  const known = await load(session, credentials);
  const already = usable(session, known, refused);
  if (already !== undefined) return already;
  const asked = session.now();
  const answer = await session.http.send({
    method: 'POST',
    url: `${shopUrl(session.settings)}/admin/oauth/access_token`,
    json: {
      client_id: credentials.id,
      client_secret: credentials.secret,
      ...(credentials.kind === 'client'
        ? { grant_type: 'client_credentials' }
        : { grant_type: 'refresh_token', refresh_token: known?.refresh_token ?? credentials.refreshToken }),
    },
    cost: 0,
    // Whatever becomes of it, nothing of the user's was written.
    safe: true,
  });
  if (answer.status >= 400 && answer.status < 500 && answer.status !== 429) {
    throw answer.fault('Shopify gives out no access token for this secret', {
      code: 'AUTH_REVOKED',
      suggestion:
        credentials.kind === 'pair'
          ? 'Authorise the app again and give the connection the new refresh token.'
          : 'Check client_id and client_secret, and that the app is installed in this shop.',
    });
  }
  if (answer.status >= 300) throw answer.fault();
  const given = granted.safeParse(answer.json()).data;
  if (given === undefined) throw answer.fault('the answer holds no access token', { code: 'BAD_RESPONSE' });
  if (credentials.kind === 'pair' && given.refresh_token === undefined) {
    throw answer.fault('the answer holds no new refresh token', { code: 'BAD_RESPONSE' });
  }
  const fresh: Kept = {
    from: fingerprint(credentials),
    access_token: given.access_token,
    expires_at: asked + (given.expires_in ?? 3600) * 1000,
    ...(given.refresh_token === undefined ? {} : { refresh_token: given.refresh_token }),
  };
  await session.tokens.store('access', JSON.stringify(fresh));
  return fresh.access_token;
}

async function load(session: Session<ShopifySettings>, credentials: Renewable): Promise<Kept | undefined> {
  const text = await session.tokens.load('access');
  if (text === null) return undefined;
  const known = readKept(text);
  return known?.from === fingerprint(credentials) ? known : undefined;
}

function readKept(text: string): Kept | undefined {
  try {
    return kept.safeParse(JSON.parse(text)).data;
  } catch {
    throw new Fault('INTERNAL', 'The stored Shopify token cannot be read.');
  }
}

function fingerprint(credentials: Renewable): string {
  const { id, secret } = credentials;
  const first = credentials.kind === 'pair' ? credentials.refreshToken : '';
  return createHash('sha256')
    .update(JSON.stringify([id, secret, first]))
    .digest('hex')
    .slice(0, 32);
}
