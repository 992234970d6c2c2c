import { describe, expect, test } from 'vitest';
import { settleAll } from '../../src/connectors/write-outcomes.ts';
import { Fault } from '../../src/model/fault.ts';
import type { WriteRow } from '../../src/model/write.ts';

const rows: WriteRow[] = ['a', 'b'].map((ref) => ({ op: 'create', ref, idempotencyKey: ref, fields: {} }));
const settled = async (error: Error, of = rows) => settleAll(of, () => Promise.reject(error));

describe('every row is answered for', () => {
  test.for([
    ['a lost answer', new Fault('TIMEOUT', 'x', { uncertain: true }), 'uncertain'],
    ['throttling', new Fault('RATE_LIMITED', 'x'), 'retry'],
    ['a bad secret', new Fault('AUTH_EXPIRED', 'x'), 'refused'],
    ['a bug', new TypeError('x is not a function'), 'uncertain'],
  ] as const)('after %s', async ([, error, result]) => {
    expect(await settled(error)).toMatchObject([
      { ref: 'a', result },
      { ref: 'b', result },
    ]);
  });

  test('when the connector answers out of order and forgets one', async () => {
    const outcomes = await settleAll(rows, async () => Promise.resolve([{ ref: 'b', result: 'not_found' }]));
    expect(outcomes).toMatchObject([
      { ref: 'a', result: 'uncertain', fault: { code: 'UNKNOWN_OUTCOME' } },
      { ref: 'b', result: 'not_found' },
    ]);
  });
});

describe('a refusal of the whole batch', () => {
  test('blames no row while there are several', async () => {
    const refusal = new Fault('VALUE_REFUSED', 'x');
    expect(await settled(refusal)).toMatchObject([{ wholeBatch: true }, { wholeBatch: true }]);
    expect(await settled(refusal, rows.slice(0, 1))).toMatchObject([{ wholeBatch: false }]);
  });

  test('for a bad secret or a missing table is not split', async () => {
    expect(await settled(new Fault('AUTH_EXPIRED', 'x'))).toMatchObject([{ wholeBatch: false }, { wholeBatch: false }]);
    expect(await settled(new Fault('TABLE_MISSING', 'x'))).toMatchObject([
      { wholeBatch: false },
      { wholeBatch: false },
    ]);
  });
});
