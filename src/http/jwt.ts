import { createHmac, createPublicKey, timingSafeEqual, verify, type JsonWebKey, type KeyObject } from 'node:crypto';

/** Public keys by id; without an id, all of them. */
export type FindKeys = (id: string | undefined) => Promise<readonly JsonWebKey[]>;

export interface JwtRules {
  readonly secret: string | undefined;
  readonly findKeys: FindKeys | undefined;
  readonly audience: string | undefined;
  readonly issuer: string | undefined;
}

interface Claims {
  readonly [claim: string]: unknown;
}

export type JwtVerdict =
  | { readonly valid: true; readonly claims: Claims; readonly text: string }
  | { readonly valid: false; readonly why: string };

const LEEWAY = 30;
const LONGEST = 8_192;
/** The kind of key that each algorithm takes: a public key must never be used as an HMAC's secret. */
const ALGORITHMS: Readonly<Record<string, { readonly kty: string; readonly hash: string | null }>> = {
  RS256: { kty: 'RSA', hash: 'sha256' },
  ES256: { kty: 'EC', hash: 'sha256' },
  EdDSA: { kty: 'OKP', hash: null },
};

/** Checks signature, time, audience and issuer of a JSON Web Token; `now` is in milliseconds. */
export async function verifyJwt(token: string, rules: JwtRules, now: number): Promise<JwtVerdict> {
  const parts = token.split('.');
  const [head = '', body = '', tail = ''] = parts;
  if (parts.length !== 3 || token.length > LONGEST) return no('It is not a JSON Web Token.');
  const header = objectOf(head);
  const claims = objectOf(body);
  if (header === undefined || claims === undefined) return no('It is not a JSON Web Token.');
  const signature = Buffer.from(tail, 'base64url');
  if (!(await isSigned(header, `${head}.${body}`, signature, rules))) {
    return no('Its signature is not one of a key that is known here.');
  }
  const { exp, nbf, aud } = claims;
  const seconds = now / 1000;
  if (typeof exp !== 'number') return no('It has no end (exp).');
  if (exp + LEEWAY < seconds) return no('It is over (exp).');
  if (nbf !== undefined && !(typeof nbf === 'number' && nbf - LEEWAY <= seconds))
    return no('It does not count yet (nbf).');
  const audiences: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  if (rules.audience !== undefined && !audiences.includes(rules.audience)) return no('It is for somebody else (aud).');
  if (rules.issuer !== undefined && claims['iss'] !== rules.issuer) return no('It is by somebody else (iss).');
  return { valid: true, claims, text: JSON.stringify(claims) };
}

async function isSigned(header: Claims, content: string, signature: Buffer, rules: JwtRules): Promise<boolean> {
  const { alg, kid, crit } = header;
  if (crit !== undefined || typeof alg !== 'string') return false;
  if (alg === 'HS256') {
    if (rules.secret === undefined) return false;
    const expected = createHmac('sha256', rules.secret).update(content).digest();
    return signature.length === expected.length && timingSafeEqual(signature, expected);
  }
  const wanted = Object.hasOwn(ALGORITHMS, alg) ? ALGORITHMS[alg] : undefined;
  if (wanted === undefined || rules.findKeys === undefined) return false;
  const keys = await rules.findKeys(typeof kid === 'string' ? kid : undefined);
  return keys
    .filter((jwk) => jwk.kty === wanted.kty && (jwk['alg'] === undefined || jwk['alg'] === alg))
    .some((jwk) => {
      const key = keyOf(jwk);
      return (
        key !== undefined && verify(wanted.hash, Buffer.from(content), { key, dsaEncoding: 'ieee-p1363' }, signature)
      );
    });
}

const made = new WeakMap<JsonWebKey, KeyObject>();

function keyOf(jwk: JsonWebKey): KeyObject | undefined {
  try {
    const key = made.get(jwk) ?? createPublicKey({ key: jwk, format: 'jwk' });
    made.set(jwk, key);
    return key;
  } catch {
    return undefined;
  }
}

function objectOf(part: string): Claims | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString());
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Claims) : undefined;
  } catch {
    return undefined;
  }
}

function no(why: string): JwtVerdict {
  return { valid: false, why };
}
