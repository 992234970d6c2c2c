import { describe } from 'vitest';
import { odoo } from '../../src/connectors/odoo/odoo.ts';
import type { OdooAppOptions } from '../apps/odoo/odoo-app.ts';
import { exerciseConnector } from './contract.ts';
import { FAULTS, misbehaving } from './misbehaving.ts';
import { ODOO_KEY, ODOO_PASSWORD, openOdoo, startPartners } from './odoo-rig.ts';

/** So much time between two requests that only the overlap finds what happened between them. */
function runningClock(): () => number {
  let time = 1_790_000_000_000;
  return () => (time += 5000);
}

interface Mood {
  readonly app?: Partial<OdooAppOptions>;
  readonly protocol?: 'json_rpc' | 'json_2';
  readonly secret?: string;
  readonly archived?: 'rows' | 'deleted';
}

const MOODS: Record<string, Mood> = {
  'Odoo 14 with a password': { app: { version: 14 }, secret: ODOO_PASSWORD },
  'Odoo 16 with an API key': { app: { version: 16 } },
  'Odoo 19 over JSON-RPC, where five seconds pass at every look': { app: { now: runningClock() } },
  'Odoo 19 over JSON-2': { protocol: 'json_2' },
  'Odoo 19 where archived is deleted': { protocol: 'json_2', archived: 'deleted' },
};

for (const [mood, { app: options, protocol = 'json_rpc', secret = ODOO_KEY, archived = 'rows' }] of Object.entries(
  MOODS,
)) {
  describe(mood, () => {
    exerciseConnector({
      connector: odoo,
      table: 'res.partner',
      sample: (number) => ({
        name: `Partner ${String(number)}`,
        email: `p${String(number)}@example.com`,
        phone: '030 1',
      }),
      correlation: 'name',
      edits: { column: 'phone', values: ['Lübeck', 'Kiel'] },
      bad: { fields: { type: 'weird' }, column: 'type' },
      exact: [
        { column: 'credit_limit', value: 0.1 },
        { column: 'credit_limit', value: '12345678.25', shown: 12345678.25 },
        { column: 'color', value: '7', shown: 7 },
        { column: 'is_company', value: true },
        { column: 'is_company', value: false },
        { column: 'seen_at', value: '2026-03-29T02:30:00.123+01:00', shown: '2026-03-29T01:30:00Z' },
        { column: 'date', value: '1900-02-28' },
        { column: 'function', value: 'ü\u2028 & <b>' },
        { column: 'phone', value: '' },
        { column: 'type', value: 'invoice' },
        { column: 'category_id', value: [] },
        { column: 'image_128', value: 'aGVsbG8=' },
      ],
      readOnly: 'write_date',
      network: true,
      open: async () => {
        const app = await startPartners(options);
        const good = openOdoo(app, { protocol, archived }, secret);
        const wrong = openOdoo(app, { protocol }, 'wrong-key-551234');
        const absent = openOdoo({ url: 'http://127.0.0.1:1' }, { protocol }, secret);
        return {
          ...misbehaving(
            good.session,
            (how) => {
              app.fail({ with: FAULTS[how] });
            },
            700,
          ),
          withWrongSecret: wrong.session,
          withNobodyThere: absent.session,
          edit: (id, values) => {
            app.edit('res.partner', { op: 'update', id: Number(id), values });
          },
          remove: (id) => {
            app.edit('res.partner', { op: 'delete', id: Number(id) });
          },
          effects: () => app.journal().length,
          close: async () => {
            await Promise.all([good, wrong, absent].map((opened) => opened.close()));
            await app.stop();
          },
        };
      },
    });
  });
}
