import { expect, test } from 'vitest';
import { SharedBudgets } from '../../../src/daemon/shared-budgets.ts';
import { monotonicClock } from '../../../src/runtime/clock.ts';

const rates = { requestsPerSecond: 1, concurrency: 1 };

test('connections with one secret of one system share a budget; all others do not', () => {
  const budgets = new SharedBudgets(monotonicClock);
  const one = budgets.of('airtable', 'pat1', rates);
  expect(one).toBeDefined();
  expect(budgets.of('airtable', 'pat1', rates)).toBe(one);
  expect(budgets.of('airtable', 'pat2', rates)).not.toBe(one);
  expect(budgets.of('close', 'pat1', rates)).not.toBe(one);
  expect(budgets.of('airtable', 'pat1', undefined)).toBeUndefined();
  expect(budgets.of('airtable', null, rates)).toBeUndefined();
});
