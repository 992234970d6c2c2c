import { expect, test } from 'vitest';
import { explore } from './explore.ts';
import { DESIGN, rowSyncModel } from './row-sync-model.ts';
import type { Rules, World } from './row-sync-model.ts';

const small: World = {
  app: 'at once',
  localEdits: 2,
  remoteEdits: 0,
  crashes: 1,
  timeouts: 1,
  reads: 1,
  ignoresWrites: false,
};

const AT_ONCE: Rules = { ...DESIGN, resends: 'at once' };

const holds: readonly (readonly [string, Partial<World>])[] = [
  ['that shows a write at once', { localEdits: 3 }],
  ['that shows a write at once, with pages in flight', { reads: 2 }],
  ['whose search index lags', { app: 'lagging' }],
  ['that queues writes and applies them in any order', { app: 'queued' }],
  ['in which people edit too', { remoteEdits: 1 }],
  ['whose index lags and in which people edit too', { app: 'lagging', remoteEdits: 1, timeouts: 0 }],
  ['that queues and in which people edit too', { app: 'queued', remoteEdits: 1, crashes: 0 }],
  ['that does not keep what it takes', { ignoresWrites: true }],
  ['that queues and does not keep what it takes', { app: 'queued', ignoresWrites: true }],
  ['that compares versions and does not tell its new one', { app: 'comparing', remoteEdits: 1 }],
];

test.each(holds)(
  'the rules of the design hold for an app %s',
  (_, world) => {
    const found = explore(rowSyncModel({ ...small, ...world }));
    expect(found.violation).toBeNull();
    expect(found.states).toBeGreaterThan(7_000);
    expect(found.quiet).toBeGreaterThan(10);
  },
  120_000,
);

test.each(holds)(
  'they hold without a read before the next try, as where rows only go out, for an app %s',
  (_, world) => {
    const found = explore(rowSyncModel({ ...small, ...world }, AT_ONCE));
    expect(found.violation).toBeNull();
    expect(found.states).toBeGreaterThan(20_000);
  },
  120_000,
);

test('a late request may be forgotten by the next answer if nothing is sent again before its longest life', () => {
  const rules: Rules = { ...DESIGN, resends: 'after the longest life', lateRequests: 'forgotten by the next answer' };
  expect(explore(rowSyncModel(small, rules)).violation).toBeNull();
}, 120_000);

const breaks: readonly (readonly [string, Partial<Rules>, Partial<World>, string])[] = [
  ['nothing remembers what was sent', { storesSent: false }, {}, "our own value 1 undid the row's 0"],
  [
    'a read that was asked for too early settles',
    { settlesBy: 'read answered after' },
    {},
    "our own value 1 undid the row's 0",
  ],
  [
    'a mark is dropped by equality while a write is unanswered',
    { keepsMarksWhileSent: false },
    {},
    'at rest the row is 0 and the app 1',
  ],
  [
    'the image is what was sent, not what was shown',
    { remoteImage: 'sent' },
    { ignoresWrites: true },
    "our own value 0 undid the row's 1",
  ],
  [
    'the merge reads in the statement that locks',
    { merges: 'in the locking statement' },
    { remoteEdits: 1 },
    'a commit of 1 between snapshot and write was overwritten',
  ],
  [
    'the next answer makes a late request forgotten',
    { lateRequests: 'forgotten by the next answer' },
    {},
    "our own value 1 undid the row's 0",
  ],
  [
    'an answer that shows the older value settles the write',
    { answers: 'settle whatever they show' },
    { ignoresWrites: true },
    'at rest the row is 1 and the app 0',
  ],
  [
    'a write goes out without the version that no answer told',
    { withoutVersion: 'goes out' },
    { app: 'comparing', remoteEdits: 1 },
    "our 2 went over the app's 8, which no read had shown",
  ],
];

test.each(breaks)('a row goes wrong when %s', (_, rules, world, rule) => {
  const { violation } = explore(rowSyncModel({ ...small, ...world }, { ...AT_ONCE, ...rules }));
  console.info(`${violation?.rule ?? 'nothing'}:\n  ${violation?.trace.join('\n  ') ?? ''}`);
  expect(violation?.rule).toBe(rule);
});
