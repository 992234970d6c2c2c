import { constants, createHmac, createPrivateKey, sign } from 'node:crypto';
import { Fault } from '../../model/fault.ts';
import type { MachineSecret, TokenSecret } from './settings.ts';

interface SignedRequest {
  readonly method: string;
  readonly url: string;
  readonly realm: string;
  readonly nonce: string;
  /** Seconds since 1970. */
  readonly timestamp: number;
}

/** The Authorization header of token-based authentication. Nonces are never taken twice, so every attempt signs anew. */
export function tokenHeader(secret: TokenSecret, request: SignedRequest): string {
  const url = new URL(request.url);
  const oauth: readonly (readonly [string, string])[] = [
    ['oauth_consumer_key', secret.consumer_key],
    ['oauth_nonce', request.nonce],
    ['oauth_signature_method', 'HMAC-SHA256'],
    ['oauth_timestamp', String(request.timestamp)],
    ['oauth_token', secret.token_id],
    ['oauth_version', '1.0'],
  ];
  const pairs = [...oauth, ...url.searchParams.entries()]
    .map(([name, value]) => [encode(name), encode(value)] as const)
    .sort(([a, x], [b, y]) => (a === b ? order(x, y) : order(a, b)))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
  const text = [request.method, encode(url.origin + url.pathname), encode(pairs)].join('&');
  const key = `${encode(secret.consumer_secret)}&${encode(secret.token_secret)}`;
  const signature = createHmac('sha256', key).update(text).digest('base64');
  const parts = [['realm', request.realm] as const, ...oauth, ['oauth_signature', signature] as const];
  return `OAuth ${parts.map(([name, value]) => `${name}="${encode(value)}"`).join(', ')}`;
}

const ALGORITHMS: Readonly<Record<string, { readonly alg: string; readonly hash: string }>> = {
  prime256v1: { alg: 'ES256', hash: 'sha256' },
  secp384r1: { alg: 'ES384', hash: 'sha384' },
  secp521r1: { alg: 'ES512', hash: 'sha512' },
};

/** The JWT by which a machine asks for an access token. The key's kind decides the algorithm. */
export function clientAssertion(secret: MachineSecret, audience: string, seconds: number): string {
  const key = keyOf(secret.private_key);
  const curve = ALGORITHMS[key.asymmetricKeyDetails?.namedCurve ?? ''];
  if (curve === undefined && key.asymmetricKeyType !== 'rsa') {
    throw badKey('is neither RSA nor of a curve that NetSuite takes (P-256, P-384, P-521)');
  }
  const header = { typ: 'JWT', alg: curve?.alg ?? 'PS256', kid: secret.certificate_id };
  const claims = {
    iss: secret.client_id,
    scope: ['rest_webservices'],
    aud: audience,
    iat: seconds,
    exp: seconds + 300,
  };
  const text = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  const signature = sign(
    curve?.hash ?? 'sha256',
    Buffer.from(text),
    curve === undefined
      ? { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }
      : { key, dsaEncoding: 'ieee-p1363' },
  );
  return `${text}.${signature.toString('base64url')}`;
}

function keyOf(pem: string): ReturnType<typeof createPrivateKey> {
  try {
    return createPrivateKey(pem);
  } catch {
    throw badKey('cannot be read');
  }
}

function badKey(why: string): Fault {
  return new Fault('AUTH_REVOKED', `The private key of this NetSuite connection ${why}.`, {
    suggestion: 'Give the PEM text of the key whose certificate was uploaded, line breaks included.',
  });
}

/** RFC 3986: encodeURIComponent leaves five signs that OAuth wants encoded. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
