import { createHash, createSign } from 'node:crypto';
import { z } from 'zod';
import { Fault } from '../../model/fault.ts';
import type { HttpAnswer } from '../../runtime/http-client.ts';
import type { Session } from '../connector.ts';
import { placesOf, type GoogleSheetsSettings } from './settings.ts';

const SCOPE = 'https://www.googleapis.com/auth/spreadsheets https://www.googleapis.com/auth/drive.metadata.readonly';
/** Always Google's own: a key file's `token_uri` could name any host, which would then get a signed assertion. */
const AUDIENCE = 'https://oauth2.googleapis.com/token';
const LIFE_SECONDS = 3600;
const EARLY = 120_000;
const TOKEN = 'access_token';

const serviceAccount = z.looseObject({
  client_email: z.string().min(1),
  private_key: z.string().min(1),
  private_key_id: z.string().optional(),
});
const user = z.looseObject({
  client_id: z.string().min(1),
  client_secret: z.string().min(1),
  refresh_token: z.string().min(1),
});

export type Secret =
  ({ readonly kind: 'service' } & z.infer<typeof serviceAccount>) | ({ readonly kind: 'user' } & z.infer<typeof user>);

const granted = z.object({ access_token: z.string().min(1), expires_in: z.number().positive() });
const kept = z.object({ access_token: z.string(), expires_at: z.string(), made_from: z.string() });
const refusal = z.object({ error: z.string(), error_description: z.string().default('') });

export function readSecret(secret: string | null): Secret {
  let value: unknown;
  try {
    value = JSON.parse(secret ?? '');
  } catch {
    value = undefined;
  }
  const service = serviceAccount.safeParse(value).data;
  if (service) return { kind: 'service', ...service };
  const person = user.safeParse(value).data;
  if (person) return { kind: 'user', ...person };
  throw new Fault('SETTINGS_INVALID', 'The secret is neither a service account’s key nor an OAuth refresh token.', {
    suggestion:
      'Give the whole JSON key file of a service account, or {"client_id": "…", "client_secret": "…", "refresh_token": "…"}.',
  });
}

/** The token that stands, or a new one; `stale` is one that Google did not accept. */
export async function accessToken(session: Session<GoogleSheetsSettings>, stale?: string): Promise<string> {
  const secret = readSecret(session.secret);
  // A token that was made from another secret belongs to somebody else.
  const madeFrom = createHash('sha256')
    .update(JSON.stringify([session.secret, session.settings.impersonate ?? '', SCOPE]))
    .digest('base64url');
  const known = readKept(await session.tokens.load(TOKEN));
  if (
    known?.made_from === madeFrom &&
    known.access_token !== stale &&
    Date.parse(known.expires_at) - EARLY > session.now()
  ) {
    return known.access_token;
  }
  const asked = session.now();
  const answer = await session.http.send({
    method: 'POST',
    url: placesOf(session.settings).token,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: formOf(secret, session).toString(),
    // Two tokens hurt nobody.
    safe: true,
  });
  if (answer.status >= 300) throw refused(answer, secret);
  const parsed = granted.safeParse(answer.json());
  if (!parsed.success) throw answer.fault('the answer holds no access token', { code: 'BAD_RESPONSE' });
  const { access_token: token, expires_in: life } = parsed.data;
  const value = { access_token: token, expires_at: new Date(asked + life * 1000).toISOString(), made_from: madeFrom };
  await session.tokens.store(TOKEN, JSON.stringify(value));
  return token;
}

function readKept(text: string | null): z.infer<typeof kept> | undefined {
  try {
    return kept.safeParse(JSON.parse(text ?? '')).data;
  } catch {
    return undefined;
  }
}

function formOf(secret: Secret, session: Session<GoogleSheetsSettings>): URLSearchParams {
  if (secret.kind === 'user') {
    const { client_id, client_secret, refresh_token } = secret;
    return new URLSearchParams({ grant_type: 'refresh_token', client_id, client_secret, refresh_token });
  }
  return new URLSearchParams({
    grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
    assertion: assertionOf(secret, session),
  });
}

function assertionOf(secret: Extract<Secret, { kind: 'service' }>, session: Session<GoogleSheetsSettings>): string {
  const seconds = Math.floor(session.now() / 1000);
  const { impersonate } = session.settings;
  const header = {
    alg: 'RS256',
    typ: 'JWT',
    ...(secret.private_key_id === undefined ? {} : { kid: secret.private_key_id }),
  };
  const claims = {
    iss: secret.client_email,
    scope: SCOPE,
    aud: AUDIENCE,
    iat: seconds,
    exp: seconds + LIFE_SECONDS,
    ...(impersonate === undefined ? {} : { sub: impersonate }),
  };
  const text = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  try {
    // A key that went through an environment variable can have its line breaks spelled out.
    const key = secret.private_key.replaceAll('\\n', '\n');
    return `${text}.${createSign('RSA-SHA256').update(text).sign(key).toString('base64url')}`;
  } catch (cause) {
    throw new Fault('SETTINGS_INVALID', 'The private_key of the secret is not a private key in PEM form.', {
      suggestion: 'Give the JSON key file as Google made it, unchanged.',
      cause,
    });
  }
}

/** The token endpoint has an envelope of its own, and nearly everything it refuses stays refused. */
function refused(answer: HttpAnswer, secret: Secret): Fault {
  if (answer.status === 429 || answer.status >= 500) return answer.fault();
  let said: z.infer<typeof refusal> | undefined;
  try {
    said = refusal.safeParse(answer.json()).data;
  } catch {
    said = undefined;
  }
  if (said === undefined) return answer.fault();
  const words = `${said.error}: ${said.error_description}`;
  if (said.error === 'invalid_grant' && /reasonable timeframe/i.test(said.error_description)) {
    return answer.fault(words, {
      code: 'AUTH_EXPIRED',
      suggestion: 'Set the clock of the daemon’s machine: Google refuses what was signed at another time.',
    });
  }
  return answer.fault(words, {
    code: said.error === 'invalid_scope' ? 'PERMISSION_DENIED' : 'AUTH_REVOKED',
    suggestion:
      secret.kind === 'service'
        ? 'Make a new key for the service account in the Google Cloud console and give it to the connection.'
        : 'Let the user consent again and give the new refresh token; an app in testing loses its tokens after 7 days.',
  });
}
