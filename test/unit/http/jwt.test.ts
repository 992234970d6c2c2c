import { createHmac, generateKeyPairSync, sign, type JsonWebKey } from 'node:crypto';
import { expect, test } from 'vitest';
import { verifyJwt, type JwtRules } from '../../../src/http/jwt.ts';

const SECRET = 'a secret of thirty-two characters';
const NOW = Date.parse('2026-11-21T10:00:00Z');
const LATER = NOW / 1000 + 60;

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const hs256 = (claims: object, header: object = { alg: 'HS256', typ: 'JWT' }, secret: string | Buffer = SECRET) => {
  const content = `${part(header)}.${part(claims)}`;
  return `${content}.${createHmac('sha256', secret).update(content).digest('base64url')}`;
};
const rules = (more: Partial<JwtRules> = {}): JwtRules => ({
  secret: SECRET,
  findKeys: undefined,
  audience: undefined,
  issuer: undefined,
  ...more,
});
const valid = async (token: string, more?: Partial<JwtRules>) => (await verifyJwt(token, rules(more), NOW)).valid;

test('a token counts with the right secret, within its time, for its audience', async () => {
  expect(await verifyJwt(hs256({ exp: LATER, role: 'r' }), rules(), NOW)).toEqual({
    valid: true,
    claims: { exp: LATER, role: 'r' },
    text: `{"exp":${String(LATER)},"role":"r"}`,
  });
  expect(await valid(hs256({ exp: LATER }, undefined, 'another secret'))).toBe(false);
  expect(await valid(hs256({}))).toBe(false);
  expect(await valid(hs256({ exp: NOW / 1000 - 31 }))).toBe(false);
  expect(await valid(hs256({ exp: LATER, nbf: LATER }))).toBe(false);
  expect(await valid(hs256({ exp: LATER, aud: ['us', 'them'] }), { audience: 'us' })).toBe(true);
  expect(await valid(hs256({ exp: LATER, aud: 'them' }), { audience: 'us' })).toBe(false);
  expect(await valid(hs256({ exp: LATER }), { audience: 'us' })).toBe(false);
  expect(await valid(hs256({ exp: LATER, iss: 'https://auth' }), { issuer: 'https://auth' })).toBe(true);
  expect(await valid(hs256({ exp: LATER, iss: ['https://auth'] }), { issuer: 'https://auth' })).toBe(false);
  expect(await valid(hs256({ exp: LATER }), { issuer: 'https://auth' })).toBe(false);
});

test.each(['RS256', 'ES256', 'EdDSA'])('%s is checked with a public key of its own kind', async (alg) => {
  const pair =
    alg === 'RS256'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : alg === 'ES256'
        ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
        : generateKeyPairSync('ed25519');
  const jwk: JsonWebKey = { ...pair.publicKey.export({ format: 'jwk' }), kid: 'k1' };
  const findKeys = async (id: string | undefined) => (id === 'k1' ? [jwk] : []);
  const content = `${part({ alg, kid: 'k1' })}.${part({ exp: LATER })}`;
  const signature = sign(alg === 'EdDSA' ? null : 'sha256', Buffer.from(content), {
    key: pair.privateKey,
    dsaEncoding: 'ieee-p1363',
  });
  expect(await valid(`${content}.${signature.toString('base64url')}`, { findKeys })).toBe(true);
  signature[5] = (signature[5] ?? 0) ^ 1;
  expect(await valid(`${content}.${signature.toString('base64url')}`, { findKeys })).toBe(false);
  // The public key is no secret, so nobody may sign with it as if it were one.
  const pem = pair.publicKey.export({ type: 'spki', format: 'pem' });
  expect(await valid(hs256({ exp: LATER }, { alg: 'HS256', kid: 'k1' }, pem), { findKeys, secret: undefined })).toBe(
    false,
  );
});

test('what is not signed, or is no token at all, never counts', async () => {
  expect(await valid(`${part({ alg: 'none' })}.${part({ exp: LATER })}.`)).toBe(false);
  expect(await valid(hs256({ exp: LATER }, { alg: 'toString' }))).toBe(false);
  expect(await valid(hs256({ exp: LATER }, { alg: 'HS256', crit: ['x'] }))).toBe(false);
  expect(await valid(hs256({ exp: LATER }).slice(0, -1))).toBe(false);
  for (const text of ['', 'a.b.c', '..', `${'a'.repeat(10_000)}.a.a`]) expect(await valid(text)).toBe(false);
});
