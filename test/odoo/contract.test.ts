import OdooAwait from 'odoo-await';
import { beforeAll, describe, inject } from 'vitest';
import { odoo as connector } from '../../src/connectors/odoo/odoo.ts';
import { odooSettings } from '../../src/connectors/odoo/settings.ts';
import { exerciseConnector } from '../connectors/contract.ts';
import { FAULTS, misbehaving } from '../connectors/misbehaving.ts';
import { openSession } from '../connectors/open-session.ts';
import { startGate } from './gate.ts';

const MODEL = 'x_thing';

const odoo = inject('odoo');
const mayChange = typeof odoo !== 'string' && odoo.ours;
if (!mayChange)
  console.log(`Skipped: the contract suite: ${typeof odoo === 'string' ? odoo : 'it would add a model to this Odoo'}`);

describe.runIf(mayChange)('a real Odoo', () => {
  if (typeof odoo === 'string') return;
  const { url, database, tideway, person: admin } = odoo;
  const person = new OdooAwait({ baseUrl: url, db: database, username: admin.login, password: admin.key });

  beforeAll(async () => {
    await person.connect();
    const field = (name: string, ttype: string, more: object = {}) => [
      0,
      0,
      { name: `x_${name}`, ttype, field_description: name, state: 'manual', ...more },
    ];
    const selection = [
      [0, 0, { value: 'contact', name: 'Contact', sequence: 1 }],
      [0, 0, { value: 'invoice', name: 'Invoice', sequence: 2 }],
    ];
    const model = await person.create('ir.model', {
      name: 'Thing',
      model: MODEL,
      state: 'manual',
      field_id: [
        field('name', 'char'),
        field('note', 'char'),
        field('text', 'text'),
        field('kind', 'selection', { selection_ids: selection }),
        field('amount', 'float'),
        field('number', 'integer'),
        field('flag', 'boolean'),
        field('seen', 'datetime'),
        field('day', 'date'),
        field('tags', 'many2many', { relation: 'res.partner.category' }),
        field('tag', 'many2one', { relation: 'res.partner.category' }),
        field('file', 'binary'),
      ],
    });
    const rights = { perm_read: true, perm_write: true, perm_create: true, perm_unlink: true };
    await person.create('ir.model.access', { name: 'things', model_id: model, ...rights });
  });

  exerciseConnector({
    connector,
    table: MODEL,
    sample: (number) => ({ x_name: `Thing ${String(number)}`, x_text: 'two\nlines', x_amount: number + 0.5 }),
    correlation: 'x_name',
    edits: { column: 'x_note', values: ['Lübeck', 'Kiel'] },
    bad: { fields: { x_kind: 'weird' }, column: 'x_kind' },
    exact: [
      { column: 'x_amount', value: 0.1 },
      { column: 'x_amount', value: '12345678.25', shown: 12345678.25 },
      { column: 'x_number', value: '7', shown: 7 },
      { column: 'x_number', value: -2147483647 },
      { column: 'x_flag', value: true },
      { column: 'x_flag', value: false },
      { column: 'x_seen', value: '2026-03-29T02:30:00.123+01:00', shown: '2026-03-29T01:30:00Z' },
      { column: 'x_day', value: '1900-02-28' },
      { column: 'x_note', value: 'ü\u2028 & <b> 😀' },
      { column: 'x_note', value: '' },
      { column: 'x_kind', value: 'invoice' },
      { column: 'x_tags', value: [] },
      { column: 'x_tag', value: null },
      { column: 'x_file', value: 'aGVsbG8=' },
    ],
    readOnly: 'write_date',
    network: true,
    open: async () => {
      const old = await person.search(MODEL, []);
      if (old.length > 0) await person.delete(MODEL, old);
      const gate = await startGate(url);
      const opened = (at: string, secret: string) =>
        openSession({
          connector,
          settings: odooSettings.parse({ base_url: at, database, login: tideway.login, requests_per_second: 100 }),
          secret,
          deadline: 20_000,
        });
      const good = opened(gate.url, tideway.key);
      const wrong = opened(gate.url, 'wrong-key-551234');
      const absent = opened('http://127.0.0.1:1', tideway.key);
      return {
        ...misbehaving(
          good.session,
          (how) => {
            gate.fail({
              with: FAULTS[how],
              when: ({ body }) => !/"(authenticate|fields_get)"/.test(body?.toString() ?? ''),
            });
          },
          2_000,
        ),
        withWrongSecret: wrong.session,
        withNobodyThere: absent.session,
        edit: async (id, values) => void (await person.update(MODEL, Number(id), values)),
        remove: async (id) => void (await person.delete(MODEL, Number(id))),
        effects: () => gate.effects(),
        close: async () => {
          await Promise.all([good, wrong, absent].map((one) => one.close()));
          await gate.stop();
        },
      };
    },
  });
});
