import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { openSecret, readSealKeys } from '../../../src/runtime/secrets.ts';
import { tideway } from '../../support/command.ts';

test.each(['start', 'migrate', 'demo', 'doctor', 'status', 'sync', 'backfill', 'seal', 'uninstall'])(
  '%s explains itself',
  async (name) => {
    const { code, out } = await tideway([name, '--help']);
    expect({ code, out }).toEqual({ code: 0, out: expect.stringContaining(`usage: tideway ${name}`) as string });
  },
);

test('mistyped commands and flags get the nearest one', async () => {
  expect(await tideway(['stats'])).toMatchObject({
    code: 2,
    err: expect.stringContaining('Did you mean status?') as string,
  });
  expect(await tideway(['demo', '--onec'])).toMatchObject({
    code: 2,
    err: expect.stringContaining('Did you mean --once?') as string,
  });
});

test('all mistakes of the configuration are told at once, and no secret', async () => {
  const { code, err } = await tideway(['doctor'], {
    env: { DATABASE_URL: 'mysql://me:hunter2@host/db', TIDEWAY_HTTP_PORT: 'many', TIDEWAY_SLOTT: 'x' },
  });
  expect(code).toBe(2);
  expect(err).toMatch(
    /3 mistakes[\s\S]*DATABASE_URL[\s\S]*TIDEWAY_HTTP_PORT \("many"\)[\s\S]*did you mean TIDEWAY_SLOT\?/,
  );
  expect(err).not.toContain('hunter2');
});

test('a database that does not answer is named without its password', async () => {
  const { code, err } = await tideway(['doctor'], { env: { DATABASE_URL: 'postgres://me:hunter2@127.0.0.1:1/db' } });
  expect({ code, err }).toEqual({ code: 1, err: expect.stringMatching(/TWC01[\s\S]*me@127\.0\.0\.1:1\/db/) as string });
  expect(err).not.toContain('hunter2');
});

test('a sealed secret opens with the key that sealed it, also after a rotation', async () => {
  const [old, fresh] = ['k1', 'k2'].map((id) => `${id}:${randomBytes(32).toString('base64')}`) as [string, string];
  const { out } = await tideway(['seal'], { env: { TIDEWAY_SEAL_KEY: old }, input: 'hunter2\n' });
  expect(out).toMatch(/^sealed:v1:k1:[A-Za-z0-9+/=:]+\n$/);
  expect(openSecret(out.trim(), readSealKeys({ TIDEWAY_SEAL_KEY: `${fresh},${old}` }))).toBe('hunter2');
  expect(() => openSecret(out.trim(), readSealKeys({ TIDEWAY_SEAL_KEY: fresh }))).toThrow('not at hand');
});

test('version is that of the package', async () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  expect(await tideway(['--version'])).toMatchObject({ code: 0, out: `${version}\n` });
});
