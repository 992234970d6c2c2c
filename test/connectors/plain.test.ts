import { describe } from 'vitest';
import { plain } from '../../src/connectors/plain/plain.ts';
import { plainSettings } from '../../src/connectors/plain/settings.ts';
import { startPlainApp, type PlainAppOptions } from '../apps/plain/plain-app.ts';
import { signedHeaders } from '../apps/plain/plain-webhooks.ts';
import { exerciseConnector } from './contract.ts';
import { FAULTS, misbehaving } from './misbehaving.ts';
import { openSession } from './open-session.ts';

const TOKEN = 'plain-token-7f3a91';

const TABLE = {
  id: 'contacts',
  columns: [
    { id: 'email', type: 'text' },
    { id: 'city', type: 'text', maxLength: 20 },
    { id: 'amount', type: 'number' },
    { id: 'met_at', type: 'datetime' },
    { id: 'born', type: 'date' },
    { id: 'extra', type: 'json' },
    { id: 'constructor', type: 'text' },
    { id: 'shouted', type: 'text', computed: ({ city }) => (typeof city === 'string' ? city.toUpperCase() : null) },
  ],
} as const satisfies PlainAppOptions['tables'][number];

/** So much time between two requests that no overlap hides a watermark taken too late. */
function runningClock(): () => number {
  let time = 1_790_000_000_000;
  return () => (time += 5000);
}

/** The same suite against the app in each of its moods. */
const MOODS: Record<string, Partial<PlainAppOptions>> = {
  'that is plain': {},
  'that leaves empty values out': { omitEmpty: true },
  'that refuses whole batches': { allOrNothing: true },
  'that shows writes late': { visibleAfter: 60_000 },
  'with a clock of whole seconds': { granularity: 1000 },
  'where five seconds pass at every look': { now: runningClock() },
};

for (const [mood, options] of Object.entries(MOODS)) {
  describe(`an app ${mood}`, () => {
    exerciseConnector({
      connector: plain,
      table: 'contacts',
      sample: (number) => ({ email: `p${String(number)}@example.com`, city: 'Bremen', amount: 1.5 }),
      correlation: 'email',
      edits: { column: 'city', values: ['Lübeck', 'Kiel'] },
      bad: { fields: { city: 'a name that is longer than twenty characters' }, column: 'city' },
      exact: [
        { column: 'amount', value: '12345678901234567890.123456789' },
        { column: 'amount', value: 0.1 },
        { column: 'met_at', value: '2026-03-29T02:30:00.123+01:00', shown: '2026-03-29T01:30:00.123Z' },
        { column: 'born', value: '1900-02-28' },
        { column: 'extra', value: { number: 1, deep: [true, null, 'ü\u2028'] } },
        { column: 'constructor', value: 'a name that objects have already' },
        { column: 'city', value: '' },
      ],
      readOnly: 'shouted',
      network: true,
      cursorsExpire: true,
      open: async () => {
        const app = await startPlainApp({ token: TOKEN, tables: [TABLE], ...options });
        const settings = plainSettings.parse({ base_url: app.url, overlap: 2000 });
        const nobody = plainSettings.parse({ base_url: 'http://127.0.0.1:1' });
        const good = openSession({ connector: plain, settings, secret: TOKEN, deadline: 2000 });
        const wrong = openSession({ connector: plain, settings, secret: 'wrong-token-55' });
        const absent = openSession({ connector: plain, settings: nobody, secret: TOKEN });
        return {
          ...misbehaving(good.session, (how) => {
            app.fail({ with: FAULTS[how] });
          }),
          withWrongSecret: wrong.session,
          withNobodyThere: absent.session,
          edit: (id, values) => {
            app.edit('contacts', { op: 'update', id, values });
          },
          remove: (id) => {
            app.edit('contacts', { op: 'delete', id });
          },
          effects: () => app.journal().length,
          settle: () => {
            app.revealAll();
          },
          expireCursors: () => {
            app.expireCursors();
          },
          webhook: {
            context: { settings, secrets: ['hook-secret'], now: () => 1_790_000_000_000 },
            sign: (at) => {
              const body = JSON.stringify({ changed: [{ table: 'contacts', ids: ['r1'] }] });
              return {
                headers: signedHeaders('hook-secret', 'delivery-1', Math.floor(at / 1000), body),
                body: Buffer.from(body),
              };
            },
          },
          close: async () => {
            await Promise.all([good, wrong, absent].map((opened) => opened.close()));
            await app.stop();
          },
        };
      },
    });
  });
}
