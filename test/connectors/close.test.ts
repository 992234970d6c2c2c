import { readFileSync } from 'node:fs';
import CloseClient from 'close.io';
import { describe, expect, test } from 'vitest';
import { close } from '../../src/connectors/close/close.ts';
import { closeSettings, type CloseSettings } from '../../src/connectors/close/settings.ts';
import type { Cursor, Session } from '../../src/connectors/connector.ts';
import type { Fields, FieldValue } from '../../src/model/record.ts';
import type { WriteRow } from '../../src/model/write.ts';
import type { HttpRequest } from '../../src/runtime/http-client.ts';
import { signedHeaders, startCloseApp, type CloseApp, type CloseAppOptions } from '../apps/close/close-app.ts';
import type { PlainFault } from '../apps/plain/plain-faults.ts';
import { exerciseConnector } from './contract.ts';
import { FAULTS, misbehaving } from './misbehaving.ts';
import { openSession } from './open-session.ts';

const KEY = 'api_standin.secret-77';
const HOOK_KEY = 'aa'.repeat(32);

const OWN_FAULTS: typeof FAULTS = {
  ...FAULTS,
  throttle: {
    kind: 'status',
    status: 429,
    headers: { ratelimit: 'limit=100, remaining=0, reset=0.01', 'retry-after': '1' },
    body: '{"message":"API call count exceeded for this period"}',
  },
  apply_then_server_error: { kind: 'status', status: 500, applied: true, body: '{"error":"Internal error"}' },
};

async function open(options: Partial<CloseAppOptions> = {}, settings: Partial<CloseSettings> = {}) {
  const app = await startCloseApp({ key: KEY, ...options });
  const made = (base: string): CloseSettings =>
    closeSettings.parse({ base_url: base, requests_per_second: 100, concurrency: 16, ...settings });
  const now = options.now ?? Date.now;
  const common = { connector: close, settings: made(app.url), secret: KEY, now };
  const good = openSession({ ...common, deadline: 2000 });
  const wrong = openSession({ ...common, secret: 'api_wrong.secret-78' });
  const absent = openSession({ ...common, settings: made('http://127.0.0.1:1') });
  return {
    app,
    ...misbehaving(good.session, (how) => {
      app.fail({ with: OWN_FAULTS[how] });
    }),
    tokens: good.tokens,
    withWrongSecret: wrong.session,
    withNobodyThere: absent.session,
    close: async () => {
      await Promise.all([good, wrong, absent].map((opened) => opened.close()));
      await app.stop();
    },
  };
}

/** A clock that moves on whenever somebody looks at it, so that no two records are of one second. */
function ticking(): () => number {
  let at = Date.parse('2026-11-20T12:00:00Z');
  return () => (at += 400);
}

exerciseConnector({
  connector: close,
  table: 'leads',
  sample: (number) => ({
    name: `Acme ${String(number)}`,
    description: 'Heavy & hard',
    'custom.cf_leadKey': `k-${String(number)}`,
  }),
  correlation: 'custom.cf_leadKey',
  edits: { column: 'description', values: ['Light', 'Blunt'] },
  bad: { fields: { 'custom.cf_colour': 'green' }, column: 'custom.cf_colour' },
  exact: [
    { column: 'custom.cf_size', value: 0.1 },
    { column: 'custom.cf_visit', value: '2026-03-29T02:30:00+01:00' },
    { column: 'custom.cf_born', value: '2026-02-28' },
    { column: 'custom.cf_tags', value: ['a', 'c'] },
    { column: 'custom.cf_odd', value: 'ü\u2028' },
    { column: 'addresses', value: [{ label: 'mailing', city: 'Bremen', country: 'DE' }] },
  ],
  readOnly: 'date_updated',
  network: true,
  open: async () => {
    const opened = await open({ now: ticking() });
    const { app } = opened;
    return {
      ...opened,
      edit: (id, fields) => {
        app.edit('lead', id, fields);
      },
      remove: (id) => {
        app.remove('lead', id);
      },
      effects: () => app.effects().length,
      webhook: {
        context: { settings: opened.session.settings, secrets: [HOOK_KEY], now: () => 1_790_000_000_000 },
        sign: (at) => {
          const body = JSON.stringify({
            event: {
              id: 'ev_1',
              date_updated: '2026-09-21T14:13:20',
              object_type: 'lead',
              object_id: 'r1',
              action: 'updated',
            },
            subscription_id: 'whsub_x',
          });
          return { headers: signedHeaders(HOOK_KEY, at / 1000, body), body: Buffer.from(body) };
        },
      },
    };
  },
});

describe('Close', () => {
  const using = async (
    work: (opened: Awaited<ReturnType<typeof open>>) => Promise<void>,
    options: Partial<CloseAppOptions> = {},
    settings: Partial<CloseSettings> = {},
  ): Promise<void> => {
    const opened = await open(options, settings);
    try {
      await work(opened);
    } finally {
      await opened.close();
    }
  };
  const page = async (
    session: Session<CloseSettings>,
    table: string,
    columns: readonly string[],
    after: Cursor | null,
    limit = 2,
  ) => {
    const mode = after === null ? 'full' : 'changes';
    const request = { table, columns, mode, after, limit, filter: null, askedFor: '1' } as const;
    const answer = await close.readPage?.(session, request);
    if (!answer) throw new Error('no page');
    return answer;
  };
  const readAll = async (
    session: Session<CloseSettings>,
    table: string,
    columns: readonly string[],
    since: Cursor | null = null,
    limit = 2,
  ) => {
    const records = new Map<string, unknown>();
    const gone: string[] = [];
    let after = since;
    for (let pages = 1; ; pages += 1) {
      const answer = await page(session, table, columns, after, limit);
      for (const { id, fields } of answer.records) records.set(id, fields);
      gone.push(...answer.gone);
      if (answer.complete) return { ids: [...records.keys()].sort(), records, gone, next: answer.next, pages };
      after = answer.next;
    }
  };
  const write = (session: Session<CloseSettings>, table: string, ...rows: WriteRow[]) =>
    close.writeBatch?.(session, { table, rows });
  const creating = (fields: Fields, ref = 'c'): WriteRow => ({ op: 'create', ref, idempotencyKey: ref, fields });
  const updating = (id: string, changed: Fields, ref = 'u'): WriteRow => ({
    op: 'update',
    ref,
    idempotencyKey: ref,
    id,
    changed,
    fields: changed,
  });
  const clock = (start = '2026-11-20T12:00:00Z') => {
    const time = { at: Date.parse(start) };
    return { time, now: () => time.at };
  };
  const fill = (app: CloseApp, count: number, each: () => void = () => {}): string[] =>
    Array.from({ length: count }, (_, number) => {
      each();
      return app.store.create('lead', { name: `l${String(number)}` }, 'person').id;
    }).sort();

  describe('discovers', () => {
    test('custom fields by their id, with the types they have here', () =>
      using(async ({ session }) => {
        const [leads] = await close.discover(session, ['leads']);
        const custom = leads?.columns.filter(({ name }) => name.startsWith('custom.'));
        expect(
          custom?.map(({ name, title, type, appType, refersTo }) => [name, title, type, appType, refersTo]),
        ).toEqual([
          ['custom.cf_leadKey', 'Key', 'string', 'text', undefined],
          ['custom.cf_size', 'Size', 'number', 'number', undefined],
          ['custom.cf_visit', 'Visit', 'date-time', 'datetime', undefined],
          ['custom.cf_born', 'Born', 'date', 'date', undefined],
          ['custom.cf_colour', 'Colour', 'string', 'choices', undefined],
          ['custom.cf_tags', 'Tags', 'json', 'choices[]', undefined],
          ['custom.cf_owner', 'Owner', 'string', 'user', 'users'],
          ['custom.cf_odd', 'Odd', 'json', 'somethingnew', undefined],
        ]);
        expect(leads?.capabilities.findBy).toEqual(['name', 'custom.cf_leadKey']);
      }));

    test('that e-mails are read only, and whose ids a column holds', () =>
      using(async ({ session }) => {
        const tables = await close.discover(session, ['contacts', 'emails']);
        const [contacts, emails] = tables;
        expect(contacts?.columns.find(({ name }) => name === 'lead_id')).toMatchObject({
          refersTo: 'leads',
          required: true,
        });
        expect(emails?.capabilities).toMatchObject({ create: false, update: false, delete: false, changes: true });
        expect(emails?.columns.every(({ writable }) => !writable)).toBe(true);
        await expect(write(session, 'emails', creating({}))).rejects.toMatchObject({
          facts: { code: 'SETTINGS_INVALID' },
        });
      }));
  });

  describe('searches', () => {
    test('past the most that one search shows', () => {
      const { time, now } = clock();
      return using(
        async ({ app, session }) => {
          const ids = fill(app, 15, () => (time.at += 1000));
          // A cursor is not kept longer than it has to be.
          expect((await page(session, 'leads', ['name'], null)).records).toHaveLength(2);
          expect((await readAll(session, 'leads', ['name'])).ids).toEqual(ids);
        },
        { now, searchCap: 4 },
      );
    });

    test('more records of one second than a page holds', () => {
      const { now } = clock();
      return using(
        async ({ app, session }) => {
          const ids = fill(app, 7);
          expect((await readAll(session, 'leads', ['name'])).ids).toEqual(ids);
        },
        { now },
      );
    });

    test('on from where it was when its cursor is forgotten', () => {
      const { time, now } = clock();
      return using(
        async ({ app, session }) => {
          const first = fill(app, 3);
          time.at += 5000;
          const ids = [...first, ...fill(app, 2)].sort();
          time.at += 5000;
          ids.push(...fill(app, 1));
          const forgotten: PlainFault = {
            kind: 'status',
            status: 400,
            body: '{"errors":[],"field-errors":{"cursor":"Expired cursor"}}',
          };
          const begin = await page(session, 'leads', ['name'], null);
          const same = app.requests().length;
          // The second of three records needs a cursor, and the search that follows it another.
          app.fail({ after: 1, path: 'data/search', with: forgotten });
          const problem = await page(session, 'leads', ['name'], begin.next).catch((error: unknown) => error);
          expect(problem).toMatchObject({ facts: { code: 'TIMEOUT', retryable: true } });
          expect(app.requests().length).toBe(same + 2);
          expect((await readAll(session, 'leads', ['name'])).ids).toEqual(ids.sort());
        },
        { now },
      );
    });

    test('changes although a hit shows a later time than its place in the index', () => {
      const { time, now } = clock();
      return using(
        async ({ app, session }) => {
          const since = { since: new Date(time.at).toISOString() };
          const ids = fill(app, 6, () => (time.at += 60_000));
          time.at += 3_600_000;
          app.edit('lead', ids[1] ?? '', { description: 'x' });
          time.at += 10_000;
          expect((await readAll(session, 'leads', ['name'], since)).ids).toEqual(ids);
        },
        { now, lag: 60_000, showsPresent: true },
      );
    });

    test('what reaches the index late, by looking back', () => {
      const { time, now } = clock();
      return using(
        async ({ app, session }) => {
          fill(app, 1);
          time.at += 120_000;
          const late = fill(app, 1);
          time.at += 30_000;
          const { ids, next } = await readAll(session, 'leads', ['name']);
          expect(ids).not.toContain(late[0]);
          time.at += 60_000;
          expect((await readAll(session, 'leads', ['name'], next)).ids).toEqual(expect.arrayContaining(late));
        },
        { now, lag: 60_000 },
      );
    });

    test('with a pause when more changed of late than one search shows', () => {
      const { time, now } = clock();
      return using(
        async ({ app, session }) => {
          const { next } = await readAll(session, 'leads', ['name']);
          const ids = fill(app, 9, () => (time.at += 1000));
          const first = await page(session, 'leads', ['name'], next);
          expect(first).toMatchObject({ complete: false, wait: 300_000 });
          time.at += first.wait ?? 0;
          expect((await readAll(session, 'leads', ['name'], first.next)).ids).toEqual(ids);
        },
        { now, searchCap: 4 },
      );
    });

    test('records of very many columns by their ids', () => {
      const many = Array.from({ length: 120 }, (_, n) => ({ id: `cf_n${String(n)}`, name: 'N', type: 'number' }));
      return using(
        async ({ app, session }) => {
          const made = app.store.create('lead', { name: 'x', 'custom.cf_n119': 7 }, 'person');
          const { records } = await readAll(
            session,
            'leads',
            many.map(({ id }) => `custom.${id}`),
          );
          expect(records.get(made.id)).toMatchObject({ 'custom.cf_n119': 7, 'custom.cf_n0': null });
        },
        { fields: { lead: many } },
      );
    });

    test('records of very many columns whole, also where a walk breaks off', () => {
      const many = Array.from({ length: 120 }, (_, n) => ({ id: `cf_n${String(n)}`, name: 'N', type: 'number' }));
      const { time, now } = clock();
      return using(
        async ({ app, session }) => {
          for (let n = 0; n < 6; n += 1) app.store.create('lead', { 'custom.cf_n7': n }, 'person');
          const body = '{"errors":[],"field-errors":{"cursor":"Too many objects"}}';
          app.fail({ after: 1, path: 'data/search', with: { kind: 'status', status: 400, body } });
          const since = { since: new Date(time.at).toISOString() };
          const columns = many.map(({ id }) => `custom.${id}`);
          const { records, wait } = await page(session, 'leads', columns, since);
          expect(wait).toBe(300_000);
          expect(records.map(({ fields }) => fields['custom.cf_n7'])).toEqual([0, 1]);
        },
        { now, fields: { lead: many } },
      );
    });

    test('and does not take a record without its fields for an empty one', () =>
      using(async ({ app, session }) => {
        const [lead = ''] = fill(app, 1);
        app.fail({ with: { kind: 'status', status: 200, body: JSON.stringify({ id: lead }) } });
        const asking = close.readByIds?.(session, { table: 'leads', columns: ['name'], ids: [lead], askedFor: '1' });
        await expect(asking).rejects.toMatchObject({ facts: { code: 'BAD_RESPONSE', retryable: true } });
      }));

    test('by a key as it is written, not as the index folds it', () =>
      using(async ({ app, session }) => {
        const made = ['K-1', 'k-1'].map((key) => app.store.create('lead', { 'custom.cf_leadKey': key }, 'person').id);
        const answer = await close.findByKey?.(session, {
          table: 'leads',
          columns: ['name'],
          column: 'custom.cf_leadKey',
          values: ['K-1', 'none'],
          askedFor: '1',
        });
        expect(answer?.records.map(({ id }) => id)).toEqual([made[0]]);
      }));

    test('in an order it checks, for a search in another order would hide records', () =>
      using(async ({ session, app }) => {
        const rows = ['2026-01-02', '2026-01-01'].map((day, n) => ({
          id: `lead_${String(n)}`,
          date_created: `${day}T00:00:00+00:00`,
          date_updated: `${day}T00:00:00+00:00`,
        }));
        app.fail({ with: { kind: 'status', status: 200, body: JSON.stringify({ data: rows, cursor: 'x' }) } });
        await expect(page(session, 'leads', ['name'], null)).rejects.toMatchObject({ facts: { code: 'BAD_RESPONSE' } });
      }));
  });

  describe('finds what is gone', () => {
    test('a lead and all that belonged to it', () =>
      using(async ({ app, session }) => {
        const [lead = ''] = fill(app, 1);
        const contact = app.store.create('contact', { lead_id: lead, name: 'Ann' }, 'person').id;
        const leads = await readAll(session, 'leads', ['name']);
        const contacts = await readAll(session, 'contacts', ['name']);
        app.remove('lead', lead);
        expect((await readAll(session, 'leads', ['name'], leads.next)).gone).toEqual([lead]);
        expect((await readAll(session, 'contacts', ['name'], contacts.next)).gone).toEqual([contact]);
      }));

    test('the source of a merge, but not its contacts, which have moved', () =>
      using(async ({ app, session }) => {
        const [source = '', destination = ''] = fill(app, 2);
        const contact = app.store.create('contact', { lead_id: source, name: 'Ann' }, 'person').id;
        const leads = await readAll(session, 'leads', ['name']);
        const contacts = await readAll(session, 'contacts', ['lead_id']);
        app.store.merge(source, destination, 'person');
        expect((await readAll(session, 'leads', ['name'], leads.next)).gone).toEqual([source]);
        const moved = await readAll(session, 'contacts', ['lead_id'], contacts.next);
        expect(moved.gone).toEqual([]);
        expect(moved.records.get(contact)).toEqual({ lead_id: destination });
      }));

    test('more of it than a page of the event log holds', () =>
      using(async ({ app, session }) => {
        const ids = fill(app, 120);
        const { next } = await readAll(session, 'leads', ['name'], null, 200);
        for (const id of ids) app.remove('lead', id);
        expect((await readAll(session, 'leads', ['name'], next)).gone.sort()).toEqual(ids);
      }));

    test('also when the log does not take its filters together', () =>
      using(async ({ app, session }) => {
        const [lead = '', other = ''] = fill(app, 2);
        const { next } = await readAll(session, 'leads', ['name']);
        app.edit('lead', other, { description: 'x' });
        app.remove('lead', lead);
        const body = '{"error":"This combination of filters is not supported."}';
        app.fail({ path: '/event/', with: { kind: 'status', status: 400, body } });
        expect((await readAll(session, 'leads', ['name'], next)).gone).toEqual([lead]);
      }));

    test('not when the log has forgotten: then everything is read', () => {
      const { time, now } = clock();
      return using(
        async ({ session }) => {
          const { next } = await readAll(session, 'leads', ['name']);
          time.at += 30 * 86_400_000;
          await expect(page(session, 'leads', ['name'], next)).rejects.toMatchObject({
            facts: { code: 'CURSOR_EXPIRED' },
          });
        },
        { now },
      );
    });
  });

  describe('reads activities and tasks', () => {
    const stage = (app: CloseApp, kind: 'note' | 'task', count: number, each: () => void = () => {}) => {
      const lead = app.store.create('lead', { name: 'x' }, 'person').id;
      const content = kind === 'note' ? 'note' : 'text';
      return Array.from({ length: count }, (_, n) => {
        each();
        return app.store.create(kind, { lead_id: lead, [content]: String(n) }, 'person').id;
      }).sort();
    };

    test.for([
      ['note', 'notes'],
      ['task', 'tasks'],
    ] as const)('every %s, though lists have no order and each change moves a record', ([kind, table]) => {
      const { time, now } = clock();
      return using(
        async ({ app, session }) => {
          const ids = stage(app, kind, 12, () => (time.at += 3000));
          const seen = new Set<string>();
          let after: Cursor | null = null;
          for (let pages = 0; ; pages += 1) {
            const answer = await page(session, table, ['lead_id'], after);
            for (const { id } of answer.records) seen.add(id);
            if (answer.complete) break;
            const [touched] = answer.records;
            if (touched) app.edit(kind, touched.id, { contact_id: null });
            if (pages % 3 === 0 && touched) app.remove(kind, touched.id);
            after = answer.next;
          }
          expect([...seen].sort()).toEqual(ids);
        },
        { now },
      );
    });

    test('more of one second than a page holds', () => {
      const { now } = clock();
      return using(
        async ({ app, session }) => {
          const ids = stage(app, 'note', 7);
          expect((await readAll(session, 'notes', ['note'])).ids).toEqual(ids);
        },
        { now },
      );
    });

    test('changes and ends of notes from the event log, late ones too', () => {
      const { time, now } = clock();
      return using(
        async ({ app, session }) => {
          const [first = '', second = '', third = ''] = stage(app, 'note', 3);
          time.at += 1000;
          app.edit('note', first, { note: 'draft' });
          const { next } = await readAll(session, 'notes', ['note']);
          time.at += 2000;
          // Put into one event with the draft, whose place in the log moves.
          app.edit('note', first, { note: 'final' });
          app.remove('note', second);
          const changes = await readAll(session, 'notes', ['note'], next);
          expect(changes.records.get(first)).toEqual({ note: 'final' });
          expect(changes.gone).toEqual([second]);
          expect(changes.ids).not.toContain(second);
          expect(app.store.get('note', third)).toBeDefined();
        },
        { now, consolidate: 10_000 },
      );
    });

    test('changes and ends of tasks', () =>
      using(async ({ app, session }) => {
        const [first = '', second = ''] = stage(app, 'task', 2);
        const { next } = await readAll(session, 'tasks', ['text', 'is_complete']);
        app.edit('task', first, { is_complete: true });
        app.remove('task', second);
        const changes = await readAll(session, 'tasks', ['text', 'is_complete'], next);
        expect(changes.records.get(first)).toMatchObject({ is_complete: true });
        expect(changes.gone).toEqual([second]);
      }));

    test('small tables whole, and by id', () =>
      using(async ({ session }) => {
        const statuses = await readAll(session, 'lead_statuses', ['label']);
        expect([...statuses.records.values()]).toEqual([{ label: 'Potential' }, { label: 'Customer' }]);
        expect(statuses.next).toBeNull();
        const answer = await close.readByIds?.(session, {
          table: 'users',
          columns: ['email'],
          ids: ['user_standin', 'user_none', 'no id at all'],
          askedFor: '1',
        });
        expect(answer).toMatchObject({ records: [{ id: 'user_standin' }], missing: ['user_none', 'no id at all'] });
      }));
  });

  describe('writes', () => {
    test('what was written stays written, whatever the answer shows of it', () =>
      using(async ({ app, session }) => {
        const [lead = ''] = fill(app, 1);
        app.fail({ with: { kind: 'status', status: 200, body: JSON.stringify({ id: 'oppo_1', value: 'a lot' }) } });
        const [outcome] = (await write(session, 'opportunities', creating({ lead_id: lead, value: 1 }))) ?? [];
        expect(outcome).toEqual({ ref: 'c', result: 'written', id: 'oppo_1' });
      }));

    test('each row for itself', () =>
      using(async ({ app, session }) => {
        const [lead = ''] = fill(app, 1);
        const outcomes = await write(
          session,
          'leads',
          creating({ name: 'new' }, 'a'),
          creating({ status_id: 'stat_none' }, 'b'),
          updating(lead, { name: 'changed' }, 'c'),
          { op: 'delete', ref: 'd', idempotencyKey: 'd', id: 'lead_none' },
        );
        expect(outcomes).toMatchObject([
          { ref: 'a', result: 'written', record: { fields: { name: 'new' } } },
          { ref: 'b', result: 'refused', fault: { code: 'VALUE_REFUSED', column: 'status_id' } },
          { ref: 'c', result: 'written', id: lead },
          { ref: 'd', result: 'not_found' },
        ]);
      }));

    test('no contact, opportunity or task without a lead: the app would make an empty one', () =>
      using(async ({ app, session }) => {
        for (const table of ['contacts', 'opportunities', 'tasks', 'notes', 'calls']) {
          expect(await write(session, table, creating({}), updating('cont_x', { lead_id: null }))).toMatchObject([
            { result: 'refused', fault: { code: 'VALUE_REFUSED', column: 'lead_id' } },
            { result: 'refused', fault: { code: 'VALUE_REFUSED', column: 'lead_id' } },
          ]);
        }
        expect(app.effects()).toEqual([]);
      }));

    test('no name that the app would take without a word and forget', () =>
      using(async ({ app, session }) => {
        expect(await write(session, 'leads', creating({ nmae: 'x' }), creating({ display_name: 'x' }))).toMatchObject([
          { result: 'refused', fault: { code: 'MAPPING_FIELD_MISSING', column: 'nmae' } },
          { result: 'refused', fault: { code: 'VALUE_REFUSED', column: 'display_name' } },
        ]);
        expect(app.effects()).toEqual([]);
      }));

    test('money to the cent, and nothing finer', async () => {
      const tries = async (settings: Partial<CloseSettings>, values: readonly FieldValue[]) => {
        const shown: unknown[] = [];
        await using(
          async ({ app, session }) => {
            const [lead = ''] = fill(app, 1);
            const rows = values.map((value, n) => creating({ lead_id: lead, value }, String(n)));
            for (const outcome of (await write(session, 'opportunities', ...rows)) ?? []) {
              if (outcome.result !== 'written') shown.push(outcome.result);
              else shown.push([app.store.get('opportunity', outcome.id)['value'], outcome.record?.fields['value']]);
            }
          },
          {},
          settings,
        );
        return shown;
      };
      expect(await tries({}, ['1234.5', 0.29, '-0.07', 12, '3.10', null, '0.001', 'many'])).toEqual([
        [123450, '1234.5'],
        [29, '0.29'],
        [-7, '-0.07'],
        [1200, '12'],
        [310, '3.1'],
        [null, null],
        'refused',
        'refused',
      ]);
      expect(await tries({ amounts: 'cents' }, [1234, '1.5'])).toEqual([[1234, 1234], 'refused']);
    });

    test('the first e-mail and phone of a contact, and leaves the others', () =>
      using(async ({ app, session }) => {
        const [lead = ''] = fill(app, 1);
        const [made] =
          (await write(
            session,
            'contacts',
            creating({ lead_id: lead, name: 'Ann', email: 'a@example.com', phone: '(415) 555-0100' }),
          )) ?? [];
        if (made?.result !== 'written') throw new Error(JSON.stringify(made));
        expect(made.record?.fields).toMatchObject({ email: 'a@example.com', phone: '+14155550100' });
        const second = { type: 'home', email: 'b@example.com' };
        app.edit('contact', made.id, { emails: [{ type: 'work', email: 'a@example.com' }, second] });
        await write(session, 'contacts', updating(made.id, { email: 'c@example.com' }));
        const emails = () => app.store.get('contact', made.id)['emails'];
        expect(emails()).toMatchObject([{ type: 'work', email: 'c@example.com' }, second]);
        await write(session, 'contacts', updating(made.id, { email: null }));
        expect(emails()).toMatchObject([second]);
        expect(await write(session, 'contacts', updating('cont_none', { email: 'x@example.com' }))).toMatchObject([
          { result: 'not_found' },
        ]);
      }));

    test('lists as a whole, without what the app computes in them', () =>
      using(async ({ app, session }) => {
        const [lead = ''] = fill(app, 1);
        const phones = [{ type: 'mobile', phone: '+491701234567' }];
        const [made] = (await write(session, 'contacts', creating({ lead_id: lead, phones }))) ?? [];
        if (made?.result !== 'written') throw new Error(JSON.stringify(made));
        expect(made.record?.fields['phones']).toEqual(phones);
        const bad = await write(session, 'contacts', updating(made.id, { phones: [{ phone: '12' }] }));
        expect(bad).toMatchObject([{ result: 'refused', fault: { code: 'VALUE_REFUSED', column: 'phones' } }]);
      }));

    test('tasks of leads, notes and calls', () =>
      using(async ({ app, session }) => {
        const [lead = ''] = fill(app, 1);
        const outcomes = [
          ...((await write(session, 'tasks', creating({ lead_id: lead, text: 'Ring', date: '2026-12-01' }))) ?? []),
          ...((await write(session, 'notes', creating({ lead_id: lead, note: 'Nice' }))) ?? []),
          ...((await write(session, 'calls', creating({ lead_id: lead, direction: 'inbound', duration: 42 }))) ?? []),
        ];
        expect(outcomes.map(({ result }) => result)).toEqual(['written', 'written', 'written']);
        expect(app.effects().map(({ kind, body }) => [kind, body['_type']])).toEqual([
          ['task', 'lead'],
          ['note', undefined],
          ['call', undefined],
        ]);
      }));

    test('a delete that is done, though the record can be read for a moment longer', () =>
      using(
        async ({ app, session }) => {
          const [lead = ''] = fill(app, 1);
          const deleting: WriteRow = { op: 'delete', ref: 'd', idempotencyKey: 'd', id: lead };
          expect(await write(session, 'leads', deleting)).toMatchObject([{ result: 'written' }]);
          expect(await write(session, 'leads', deleting)).toMatchObject([{ result: 'not_found' }]);
        },
        { echo: 60_000 },
      ));
  });

  describe('keeps to the limits', () => {
    const budgetOf = async (status: number, headers: Record<string, string>, body = '{"data":[],"cursor":null}') => {
      const found: unknown[] = [];
      await using(async ({ app, session }) => {
        app.fail({ with: { kind: 'status', status, headers, body } });
        const http = {
          send: async (request: HttpRequest) => {
            const answer = await session.http.send(request);
            found.push(request.readBudget?.(answer));
            return answer;
          },
        };
        await page({ ...session, http }, 'leads', ['name'], null).catch(() => undefined);
      });
      return found[0];
    };

    test.for<[string, number, Record<string, string>, string, unknown]>([
      [
        'the body',
        429,
        { ratelimit: 'limit=9, remaining=0, reset=5', 'retry-after': '7' },
        '{"error":{"rate_reset":1.5,"message":"x"}}',
        { throttled: { retryAfter: 1500 } },
      ],
      [
        'the header of the limit',
        429,
        { ratelimit: 'limit=9, remaining=0, reset=5', 'retry-after': '7' },
        '{"message":"x"}',
        { throttled: { retryAfter: 5000 } },
      ],
      [
        'its older form',
        429,
        { ratelimit: 'limit=9; remaining=0; reset=4' },
        '{"message":"x"}',
        { throttled: { retryAfter: 4000 } },
      ],
      ['Retry-After', 429, { 'retry-after': '7' }, '', { throttled: { retryAfter: 7000 } }],
      ['nothing', 429, {}, '', { throttled: {} }],
      [
        'a good answer that spent the last request',
        200,
        { ratelimit: 'limit=9, remaining=0, reset=2' },
        '{"data":[]}',
        { throttled: { retryAfter: 2000 } },
      ],
      ['a good answer that leaves some', 200, { ratelimit: 'limit=9, remaining=1, reset=2' }, '{"data":[]}', {}],
      ['a good answer without a word', 200, {}, '{"data":[]}', {}],
    ])('that it reads from %s', async ([, status, headers, body, news]) => {
      expect(await budgetOf(status, headers, body)).toEqual(news);
    });

    test('a refused write says how long to wait, and was not made', () =>
      using(
        async ({ app, session }) => {
          const outcomes =
            (await write(session, 'leads', ...['a', 'b', 'c'].map((ref) => creating({ name: ref }, ref)))) ?? [];
          expect(outcomes.map(({ result }) => result).sort()).toEqual(['retry', 'retry', 'written']);
          expect(outcomes.find(({ result }) => result === 'retry')).toMatchObject({
            fault: { code: 'RATE_LIMITED', uncertain: false, retryAfter: 60_000 },
          });
          expect(app.effects()).toHaveLength(1);
        },
        { now: clock().now, rate: { requests: 1, per: 60_000 } },
      ));

    test('one refusal of a good key is not believed, three are', () =>
      using(async ({ app, session }) => {
        const refused: PlainFault = { kind: 'status', status: 401, body: '{"error":"Unauthorized"}' };
        app.fail({ count: 2, with: refused });
        expect(await close.identify(session)).toEqual({ id: 'orga_standin', title: 'Stand-in' });
        app.fail({ count: 3, with: refused });
        await expect(close.identify(session)).rejects.toMatchObject({ facts: { code: 'AUTH_EXPIRED' } });
      }));

    test('a plan that is over stops the connection, with a word on where to look', () =>
      using(async ({ app, session }) => {
        app.fail({ with: { kind: 'status', status: 402, body: '{"error":"Trial expired"}' } });
        const outcomes = await write(session, 'leads', creating({ name: 'x' }));
        expect(outcomes).toMatchObject([{ result: 'refused', fault: { class: 'AUTH_ERROR', uncertain: false } }]);
        expect(JSON.stringify(outcomes)).toContain('Billing');
      }));

    test('a key of somebody with several organisations is of the one whose statuses it shows', () =>
      using(async ({ app, session }) => {
        const body = JSON.stringify({
          organizations: [
            { id: 'orga_other', name: 'Other' },
            { id: 'orga_standin', name: 'Ours' },
          ],
        });
        app.fail({ path: '/me/', with: { kind: 'status', status: 200, body } });
        expect(await close.identify(session)).toEqual({ id: 'orga_standin', title: 'Ours' });
      }));
  });

  describe('answers webhooks', () => {
    const HOOK_URL = 'https://tideway.example.com/webhooks/x';
    const request = { url: HOOK_URL, tables: ['leads', 'tasks'], known: null };
    const context = (session: Session<CloseSettings>, secret: string | undefined, now: () => number) => ({
      settings: session.settings,
      secrets: [secret ?? ''],
      now,
    });

    test('signed as the fact sheet computed it', () =>
      using(async ({ session }) => {
        const body = '{"event":{},"subscription_id":"whsub_x"}';
        const hash = 'b4af950d53697c747d4275da45668db5a97277b4c30ad92638512d8ef7c03e8e';
        const delivery = {
          headers: { 'close-sig-timestamp': '1700000000', 'close-sig-hash': hash },
          body: Buffer.from(body),
        };
        const now = () => 1_700_000_000_000;
        // Genuine, but no event.
        expect(close.verifyWebhook?.(context(session, HOOK_KEY, now), delivery)).toMatchObject({
          code: 'BAD_RESPONSE',
        });
        expect(close.verifyWebhook?.(context(session, 'bb'.repeat(32), now), delivery)).toMatchObject({
          code: 'SIGNATURE_INVALID',
        });
      }));

    test('but not old ones, nor with a key that is none', () =>
      using(async ({ session }) => {
        const body = '{"event":{"id":"ev_1","object_type":"lead","object_id":"lead_1","action":"updated"}}';
        const at = 1_700_000_000;
        const signed = { headers: signedHeaders(HOOK_KEY, at, body), body: Buffer.from(body) };
        const verdict = (seconds: number) =>
          close.verifyWebhook?.(
            context(session, HOOK_KEY, () => (at + seconds) * 1000),
            signed,
          );
        expect(verdict(299)).toMatchObject({ genuine: true });
        expect(verdict(301)).toMatchObject({ genuine: false, code: 'TIMESTAMP_SKEW' });
        expect(verdict(-301)).toMatchObject({ genuine: false, code: 'TIMESTAMP_SKEW' });
        const forged = { headers: signedHeaders('', at, body), body: Buffer.from(body) };
        const odd = { ...signed, headers: { ...signed.headers, 'close-sig-hash': 'é'.repeat(64) } };
        expect(
          close.verifyWebhook?.(
            context(session, HOOK_KEY, () => at * 1000),
            odd,
          ),
        ).toMatchObject({
          code: 'SIGNATURE_INVALID',
        });
        for (const secret of ['', 'not hex', 'zz'.repeat(32)]) {
          expect(
            close.verifyWebhook?.(
              context(session, secret, () => at * 1000),
              forged,
            ),
          ).toMatchObject({ code: 'SIGNATURE_INVALID' });
        }
      }));

    test('of a subscription that it makes, whose key it keeps before it is used', () =>
      using(async ({ app, session, tokens }) => {
        const kept = await close.keepWebhook?.(session, request);
        expect(app.hooks()).toMatchObject([{ id: kept?.id, url: HOOK_URL, key: tokens.get('webhook_secret') }]);
        const [source = '', lead = ''] = fill(app, 2);
        app.store.merge(source, lead, 'person');
        const verdicts = app.takeDeliveries().map(({ headers, body }) =>
          close.verifyWebhook?.(context(session, tokens.get('webhook_secret'), Date.now), {
            headers,
            body: Buffer.from(body),
          }),
        );
        expect(verdicts).toContainEqual(
          expect.objectContaining({ genuine: true, changed: [{ table: 'leads', ids: [lead, source] }] }),
        );
        expect(new Set(verdicts.map((verdict) => (verdict?.genuine ? verdict.deliveryId : ''))).size).toBe(
          verdicts.length,
        );
        const task = app.store.create('task', { lead_id: lead, text: 'x' }, 'person').id;
        app.edit('task', task, { is_complete: true });
        const changed = app.takeDeliveries().map(({ headers, body }) => {
          const verdict = close.verifyWebhook?.(context(session, tokens.get('webhook_secret'), Date.now), {
            headers,
            body: Buffer.from(body),
          });
          return verdict?.genuine ? verdict.changed : verdict;
        });
        expect(changed).toEqual([
          [{ table: 'tasks', ids: [task] }],
          [{ table: 'tasks', ids: [task] }],
          [{ table: 'tasks', ids: [] }],
        ]);
      }));

    test('of the same subscription again after the app has paused it, or the tables are others', () =>
      using(async ({ app, session, tokens }) => {
        const kept = (await close.keepWebhook?.(session, request)) ?? null;
        const [hook] = app.hooks();
        if (!hook) throw new Error('no hook');
        hook.status = 'paused';
        await close.keepWebhook?.(session, { ...request, known: kept });
        expect(hook.status).toBe('active');
        const again = await close.keepWebhook?.(session, { ...request, tables: ['leads', 'contacts'], known: kept });
        expect(again?.id).toBe(kept?.id);
        expect(app.hooks()).toMatchObject([{ status: 'active', key: tokens.get('webhook_secret') }]);
        expect(hook.events).toContainEqual({ object_type: 'contact', action: 'deleted' });
        const before = app.requests().length;
        await close.keepWebhook?.(session, { ...request, tables: ['leads', 'contacts'], known: again ?? null });
        expect(app.requests().slice(before)).toEqual(['GET /api/v1/webhook/']);
      }));

    test('of no subscription whose key cannot be kept', () =>
      using(async ({ app, session }) => {
        const tokens = { ...session.tokens, store: () => Promise.reject(new Error('There is no key to seal with.')) };
        await expect(close.keepWebhook?.({ ...session, tokens }, request)).rejects.toThrow('no key to seal');
        expect(app.hooks()).toEqual([]);
      }));

    test('of no subscription when no mapped table rings', () =>
      using(async ({ app, session }) => {
        const made = (await close.keepWebhook?.(session, request)) ?? null;
        await close.keepWebhook?.(session, { url: HOOK_URL, tables: ['users'], known: made });
        expect(app.hooks()).toEqual([]);
      }));

    test('of a new subscription when the key of the old one was never kept', () =>
      using(async ({ app, session, tokens }) => {
        const lost = await close.keepWebhook?.(session, request);
        (tokens as Map<string, string>).clear();
        const made = await close.keepWebhook?.(session, request);
        expect(made?.id).not.toBe(lost?.id);
        expect(app.hooks()).toMatchObject([{ id: made?.id, key: tokens.get('webhook_secret') }]);
      }));

    test('though an equal subscription stands in the way that the list does not show', () =>
      using(async ({ app, session, tokens }) => {
        await close.keepWebhook?.(session, request);
        (tokens as Map<string, string>).clear();
        app.fail({ method: 'GET', path: '/webhook/', with: { kind: 'status', status: 200, body: '{"data":[]}' } });
        const made = await close.keepWebhook?.(session, request);
        expect(app.hooks()).toMatchObject([{ id: made?.id, key: tokens.get('webhook_secret') }]);
      }));
  });
});

describe('the stand-in', () => {
  /** The client knows one address; only that is changed here, each request is its own. */
  const clientOf = (url: string, key: string): CloseClient => {
    const client = new CloseClient(key);
    client._request = (options) =>
      CloseClient.prototype._request.call(client, {
        ...options,
        uri: options.uri.replace('https://api.close.com', url),
      });
    return client;
  };

  test('serves a client of others', async () => {
    const app = await startCloseApp({ key: KEY });
    const client = clientOf(app.url, KEY);
    const made = await client.lead.create({ name: 'Säge & Co', contacts: [{ name: 'Ann' }] });
    expect(made.contacts).toMatchObject([{ name: 'Ann' }]);
    expect(await client.lead.update(made.id, { description: 'x' })).toMatchObject({
      name: 'Säge & Co',
      description: 'x',
    });
    const note = await client.activity.note.create({ lead_id: made.id, note: 'n' });
    expect(note._type).toBe('Note');
    const other = await client.lead.create({ name: 'Other' });
    expect(await client.lead.search({ limit: 1 })).toMatchObject({ data: [{ name: 'Other' }], has_more: true });
    await client.lead.merge({ source: other.id, destination: made.id });
    expect(await client.lead.search({ limit: 1 })).toMatchObject({ data: [{ id: made.id }], has_more: false });
    await expect(client.lead.search({ limit: 201 })).rejects.toMatchObject({
      'field-errors': { _limit: 'Input should be less than or equal to 200' },
    });
    await client.lead.delete(made.id);
    await expect(client.lead.read(made.id)).rejects.toMatchObject({ error: expect.any(String) as string });
    await expect(clientOf(app.url, 'api_wrong').lead.search({})).rejects.toMatchObject({ error: 'Unauthorized' });
    await app.stop();
  });

  test('redirects an address without its last slash', async () => {
    const app = await startCloseApp({ key: KEY });
    const answer = await fetch(`${app.url}/api/v1/lead`, { redirect: 'manual' });
    expect([answer.status, answer.headers.get('location')]).toEqual([301, '/api/v1/lead/']);
    await app.stop();
  });

  test('makes an empty lead for a contact without one, as the app does', async () => {
    const app = await startCloseApp({ key: KEY });
    const contact = app.store.create('contact', { name: 'Ann' }, 'api');
    expect(app.store.get('lead', String(contact['lead_id']))['name']).toBeNull();
    await app.stop();
  });

  const SHAPES = JSON.parse(readFileSync('test/apps/close/recorded/openapi.json', 'utf8')) as Record<
    string,
    Record<string, unknown>
  >;
  const lacks = (shape: string, shown: object): string[] =>
    Object.keys(SHAPES[shape] ?? {})
      .filter((name) => name.endsWith('*'))
      .map((name) => name.slice(0, -1))
      .filter((name) => !Object.hasOwn(shown, name));
  const typeOf = (value: unknown): string =>
    value === null ? 'null' : Array.isArray(value) ? 'array' : Number.isInteger(value) ? 'integer' : typeof value;
  const strange = (shape: string, shown: object): string[] =>
    Object.entries(SHAPES[shape] ?? {}).flatMap(([starred, wanted]) => {
      const name = starred.replace(/\*$/, '');
      const value = (shown as Record<string, unknown>)[name];
      if (value === undefined || (typeof wanted === 'string' && /^(enum|\{)/.test(wanted))) return [];
      const types = Array.isArray(wanted) ? ['array'] : (wanted as string).replace(/:.*$/, '').split('|');
      return types.includes(typeOf(value)) ? [] : [`${name}: ${typeOf(value)} is not ${types.join('|')}`];
    });

  test.for([
    ['Lead', 'lead', { name: 'x', addresses: [{ city: 'Bremen' }] }],
    ['Contact', 'contact', { name: 'x', emails: [{ email: 'a@example.com' }] }],
    ['Opportunity', 'opportunity', { value: 100, note: 'x' }],
    ['ActivityBase', 'note', { note: 'x' }],
    ['ActivityBase', 'call', { direction: 'inbound' }],
  ] as const)('shows a %s (%s) with what the published shapes promise', async ([shape, kind, body]) => {
    const app = await startCloseApp({ key: KEY });
    const lead = app.store.create('lead', {}, 'api').id;
    const shown = app.store.create(kind, kind === 'lead' ? body : { ...body, lead_id: lead }, 'api');
    expect({ lacks: lacks(shape, shown), strange: strange(shape, shown) }).toEqual({ lacks: [], strange: [] });
    const parts = { addresses: 'LeadAddress', emails: 'ContactEmail' };
    for (const [name, part] of Object.entries(parts)) {
      for (const item of (shown[name] ?? []) as object[])
        expect([...lacks(part, item), ...strange(part, item)]).toEqual([]);
    }
    await app.stop();
  });
});
