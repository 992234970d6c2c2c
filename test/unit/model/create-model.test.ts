import { expect, test } from 'vitest';
import { CREATE_DESIGN, createModel } from './create-model.ts';
import type { CreateRules, CreateWorld } from './create-model.ts';
import { explore } from './explore.ts';

const world: CreateWorld = { recognised: 'by a correlation column', lags: true, crashes: 3, timeouts: 3 };

test.each(['by a correlation column', 'by an idempotency key', 'not at all'] as const)(
  'a record is made once when the app recognises it %s',
  (recognised) => {
    for (const lags of [false, true]) {
      const found = explore(createModel({ ...world, recognised, lags }));
      expect(found.violation).toBeNull();
      expect(found.states).toBeGreaterThan(100);
      expect(found.quiet).toBeGreaterThan(0);
    }
  },
);

const breaks: readonly (readonly [string, Partial<CreateRules>, string])[] = [
  ['a lost create is sent again unseen', { looksUp: 'never' }, 'the app has two records of one row'],
  ['the look-up does not wait for a late request', { looksUp: 'at once' }, 'the app has two records of one row'],
  [
    'an unknown record does not wait for the open create',
    { unknownRecords: 'become rows' },
    'the record came back as a second row',
  ],
];

test.each(breaks)('a create goes wrong when %s', (_, rules, rule) => {
  const { violation } = explore(createModel(world, { ...CREATE_DESIGN, ...rules }));
  console.info(`${rule}:\n  ${violation?.trace.join('\n  ') ?? ''}`);
  expect(violation?.rule).toBe(rule);
});

test('a late answer spares a person the question where nothing else recognises the record', () => {
  const blind: CreateWorld = { recognised: 'not at all', lags: false, crashes: 1, timeouts: 0 };
  const links = (rules: CreateRules) => {
    const model = createModel(blind, rules);
    let linked = false;
    explore({
      ...model,
      next: (state) => {
        const steps = model.next(state);
        linked ||= steps.some(
          (step) =>
            step.label === 'a fenced owner brings a late answer' && state.linked === null && step.state.linked !== null,
        );
        return steps;
      },
    });
    return linked;
  };
  expect(links(CREATE_DESIGN)).toBe(true);
  expect(links({ ...CREATE_DESIGN, lateAnswers: 'are thrown away' })).toBe(false);
});
