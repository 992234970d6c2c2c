import { expect, test } from 'vitest';

import { formatLsn, parseLsn } from '../../../src/follow/lsn.ts';

test('positions compare rightly across a 4 GiB border and print as the server does', () => {
  expect(parseLsn('1/0')).toBeGreaterThan(parseLsn('0/FFFFFFFF'));
  expect(parseLsn('10/0')).toBeGreaterThan(parseLsn('9/FFFFFFFF'));
  expect(formatLsn(parseLsn('16/b374d848'))).toBe('16/B374D848');
  expect(formatLsn(parseLsn('FFFFFFFF/FFFFFFFF'))).toBe('FFFFFFFF/FFFFFFFF');
  expect(() => parseLsn('0/')).toThrow(/not a log position/);
});
