import { expect, test } from 'vitest';
import { readConfig } from '../../../src/runtime/config.ts';
import { TidewayError } from '../../../src/runtime/errors.ts';

function mistakes(environment: Record<string, string>): string {
  try {
    readConfig(environment);
  } catch (error) {
    if (error instanceof TidewayError) return error.explain();
  }
  return 'none';
}

test('nothing needs to be set', () => {
  expect(readConfig({})).toMatchObject({ TIDEWAY_SLOT: 'tideway', TIDEWAY_HTTP_PORT: 9464, DATABASE_URL: undefined });
});

test('an empty variable counts as not set, and others are not ours', () => {
  expect(readConfig({ DATABASE_URL: '', TIDEWAY_HTTP_PORT: '', PATH: '/bin', PGHOST: 'x' })).toEqual(readConfig({}));
});

test('every mistake is told at once, with variable, value and mend', () => {
  const told = mistakes({
    DATABASE_URL: 'mysql://me:hunter2@host/db',
    TIDEWAY_REPLICATION_URL: 'hunter2',
    TIDEWAY_SLOT: 'My Slot',
    TIDEWAY_HTTP_PORT: '70000',
    TIDEWAY_LOG_LEVEL: 'loud',
    TIDEWAY_PUBLIC_URL: 'example.com',
    TIDEWAY_SEAL_KEY: 'hunter2',
    TIDEWAY_SEAL_KEY_FILE: 'keys',
    TIDEWAY_PUBLICATON: 'x',
    TIDEWAY_QWERTZUIOP: 'x',
  });
  expect(told).toContain('TWS01: The configuration has 9 mistakes:');
  for (const line of [
    'DATABASE_URL is not an address like postgres://',
    'TIDEWAY_REPLICATION_URL is not an address',
    'TIDEWAY_SLOT ("My Slot") may hold only',
    'TIDEWAY_HTTP_PORT ("70000") is above 65535',
    'TIDEWAY_LOG_LEVEL ("loud") is none of',
    'TIDEWAY_PUBLIC_URL ("example.com") is not an address',
    'TIDEWAY_SEAL_KEY and TIDEWAY_SEAL_KEY_FILE are both set',
    'TIDEWAY_PUBLICATON is not a variable of Tideway; did you mean TIDEWAY_PUBLICATION?',
    'TIDEWAY_QWERTZUIOP is not a variable of Tideway; remove it',
  ]) {
    expect(told).toContain(line);
  }
  expect(told).not.toContain('hunter2');
});

test('a seal key that is no key is told without showing it', () => {
  expect(mistakes({ TIDEWAY_SEAL_KEY: 'k1:hunter2' })).toMatch(/TIDEWAY_SEAL_KEY: .*openssl rand/);
  expect(mistakes({ TIDEWAY_SEAL_KEY: 'k1:hunter2' })).not.toContain('hunter2');
  expect(mistakes({ TIDEWAY_SEAL_KEY_FILE: 'absent.keys' })).toMatch(/TIDEWAY_SEAL_KEY_FILE: .*absent\.keys/);
});
