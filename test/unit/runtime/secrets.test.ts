import { expect, test } from 'vitest';
import { resolveSecret } from '../../../src/runtime/secrets.ts';

const sources = {
  environment: { SHOP_TOKEN: 's3' },
  keys: [],
  vault: async (name: string) => (name === 'shop' ? 'v4' : undefined),
};

test('a reference leads to its secret', async () => {
  expect(await resolveSecret('env:SHOP_TOKEN', sources)).toBe('s3');
  expect(await resolveSecret('vault:shop', sources)).toBe('v4');
});

test.each([
  ['env:ABSENT', 'TWS05'],
  ['file:/does/not/exist', 'TWS08'],
  ['vault:absent', 'TWS06'],
  ['sealed:v1:k1:AA:BB', 'TWS09'],
  ['hunter2', 'TWS07'],
])('%s is refused with %s', async (reference, code) => {
  await expect(resolveSecret(reference, sources)).rejects.toMatchObject({ code });
});

test('a bare secret is never repeated in the error', async () => {
  await expect(resolveSecret('hunter2', sources)).rejects.not.toThrow('hunter2');
});
