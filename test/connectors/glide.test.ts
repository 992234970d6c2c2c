import { describe } from 'vitest';
import { glide } from '../../src/connectors/glide/glide.ts';
import { glideSettings, type GlideSettings } from '../../src/connectors/glide/settings.ts';
import { startGlideApp, type GlideAppOptions } from '../apps/glide/glide-app.ts';
import { exerciseConnector } from './contract.ts';
import { FAULTS, misbehaving } from './misbehaving.ts';
import { openSession } from './open-session.ts';

const TOKEN = '11111111-2222-4333-8444-555555555555';
const APP = { id: 'mT91fPcZCWigkZXgSZGJ', name: 'Shop' };
const TABLE = {
  id: 'native-table-1c5a',
  name: 'Contacts',
  big: true,
  columns: [
    { id: 'Name', kind: 'string' },
    { id: 'yPXU2', name: 'City', kind: 'string' },
    { id: '7PVig', name: 'Amount', kind: 'number' },
    { id: 'met', kind: 'date-time' },
    { id: 'born', kind: 'date' },
    { id: 'photo', kind: 'image-uri' },
    { id: 'mail', kind: 'email-address' },
    { id: 'active', kind: 'boolean' },
    { id: 'constructor', kind: 'string' },
  ],
} as const;

interface Mood {
  readonly settings: Readonly<Record<string, unknown>>;
  readonly app?: Partial<GlideAppOptions>;
}

const MOODS: Record<string, Mood> = {
  'classic mode': { settings: { mode: 'classic' } },
  'classic mode with SQL lookups': { settings: { mode: 'classic', big_tables: [TABLE.id] } },
  'classic mode, where writes are applied late and out of order': {
    settings: { mode: 'classic' },
    app: { applyAfter: Infinity, reverse: true },
  },
  'v2 mode': { settings: { mode: 'v2' } },
  'v2 mode with stashes': { settings: { mode: 'v2', stash_above: 1 } },
};

for (const [mood, { settings: own, app: behaviour }] of Object.entries(MOODS)) {
  const settingsFor = (url: string): GlideSettings =>
    glideSettings.parse({ app_id: APP.id, base_url: url, requests_per_second: 50, ...own });
  const connector = {
    ...glide,
    describe: (settings?: GlideSettings) => glide.describe(settings ?? settingsFor('http://127.0.0.1:1')),
  };

  describe(mood, () => {
    exerciseConnector({
      connector,
      table: TABLE.id,
      sample: (number) => ({ Name: `p${String(number)}`, yPXU2: 'Bremen', '7PVig': 1.5 }),
      correlation: 'Name',
      edits: { column: 'yPXU2', values: ['Lübeck', 'Kiel'] },
      bad: { fields: { nowhere: 'x' }, column: 'nowhere' },
      exact: [
        { column: '7PVig', value: 0.1 },
        { column: 'met', value: '2026-03-29T02:30:00.123+01:00', shown: '2026-03-29T01:30:00.123Z' },
        { column: 'born', value: '1900-02-28' },
        { column: 'photo', value: 'https://example.com/ü.png' },
        { column: 'mail', value: 'ada@example.com' },
        { column: 'active', value: false },
        { column: 'constructor', value: 'a name that objects have already' },
      ],
      readOnly: '$rowID',
      network: true,
      cursorsExpire: true,
      queuesWrites: own['mode'] === 'classic',
      open: async () => {
        const app = await startGlideApp({ token: TOKEN, app: APP, tables: [TABLE], pageSize: 2, ...behaviour });
        const settings = settingsFor(app.url);
        // The suite asks quickly; the pace has a test of its own.
        const open = (given: GlideSettings, secret: string) =>
          openSession({ connector: swift(connector), settings: given, secret, deadline: 2000 });
        const good = open(settings, TOKEN);
        const wrong = open(settings, '99999999-2222-4333-8444-555555555555');
        const absent = open(settingsFor('http://127.0.0.1:1'), TOKEN);
        return {
          ...misbehaving(good.session, (how) => {
            app.fail({ with: FAULTS[how] });
          }),
          withWrongSecret: wrong.session,
          withNobodyThere: absent.session,
          edit: (id, cells) => {
            app.edit(TABLE.id, { op: 'update', id, cells });
          },
          remove: (id) => {
            app.edit(TABLE.id, { op: 'delete', id, cells: {} });
          },
          effects: () => {
            app.applyAll();
            return app.journal().length;
          },
          settle: () => {
            app.applyAll();
          },
          expireCursors: () => {
            app.expireCursors();
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

function swift<Connector extends typeof glide>(connector: Connector): Connector {
  return {
    ...connector,
    describe: (settings?: GlideSettings) => {
      const description = connector.describe(settings);
      const rates = { ...description.limits.rates, requestsPerSecond: 1000, burst: 1000, penalty: 0 };
      return { ...description, limits: { ...description.limits, rates } };
    },
  };
}
