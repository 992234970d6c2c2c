import { afterEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type {
  Connector,
  Cursor,
  Page,
  Session,
  WebhookContext,
  WebhookDelivery,
} from '../../src/connectors/connector.ts';
import { systemRow } from '../../src/connectors/system-row.ts';
import { Fault, type FaultFacts } from '../../src/model/fault.ts';
import { FIELD_TYPES } from '../../src/model/field-type.ts';
import type { Fields, FieldValue } from '../../src/model/record.ts';
import type { CreateRow, UpdateRow, WriteOutcome, WriteRow } from '../../src/model/write.ts';

/** How the app under a connector can be made to misbehave for one request. */
export type Misbehaviour =
  | 'throttle'
  | 'not_found_page'
  | 'server_error'
  | 'apply_then_server_error'
  | 'web_page'
  | 'cut_off'
  | 'cut_off_cleanly'
  | 'empty'
  | 'hang'
  | 'reset_before'
  | 'drop_answer';

/** One app, fresh for one test, and a session with it. */
interface Rig<Settings> {
  readonly session: Session<Settings>;
  /** Sessions that fail: a wrong secret, and a host where nobody listens. */
  readonly withWrongSecret?: Session<Settings>;
  readonly withNobodyThere?: Session<Settings>;
  readonly misbehave?: (how: Misbehaviour) => void;
  /** A person changes or removes a record in the app itself. */
  edit(id: string, fields: Fields): void | Promise<void>;
  remove(id: string): void | Promise<void>;
  /** How many effects the app accepted, by its own account. */
  effects(): number | Promise<number>;
  /** Makes what was written visible to reads, where that takes the app a while. */
  settle?(): void | Promise<void>;
  expireCursors?(): void;
  readonly webhook?: {
    readonly context: WebhookContext<Settings>;
    /** A delivery signed by the app at this time that names record `r1`. */
    sign(at: number): WebhookDelivery;
  };
  close(): Promise<void>;
}

/** What the suite has to know of an app to try its connector. */
export interface Bench<Settings> {
  readonly connector: Connector<Settings>;
  readonly table: string;
  /** A good record, different for every number. */
  sample(number: number): Fields;
  /** A column of the sample that finds a record again, and one that can be edited to these values. */
  readonly correlation: string;
  readonly edits: { readonly column: string; readonly values: readonly [FieldValue, FieldValue] };
  /** Fields that the app refuses, and the column it then names. */
  readonly bad?: { readonly fields: Fields; readonly column: string };
  /** Values that must come back as exact as they went. */
  readonly exact: readonly { readonly column: string; readonly value: FieldValue; readonly shown?: FieldValue }[];
  /** A column that cannot be written. */
  readonly readOnly?: string;
  /** The app is reached over a network: the rig then has wrong sessions and misbehaves. */
  readonly network?: boolean;
  /** The app's answer means "queued" only: what became of a write is told by a read. */
  readonly queuesWrites?: boolean;
  /** The app forgets cursors: the rig then has `expireCursors`. */
  readonly cursorsExpire?: boolean;
  open(): Promise<Rig<Settings>>;
}

const SECOND = 1000;

/** The promises of `connector.ts`, as tests. Every connector passes this one suite. */
export function exerciseConnector<Settings>(bench: Bench<Settings>): void {
  const { connector, table } = bench;
  const { title } = connector.describe();
  const open: Rig<Settings>[] = [];
  let moment = 0;

  const rig = async (): Promise<Rig<Settings>> => {
    const opened = await bench.open();
    open.push(opened);
    return opened;
  };
  afterEach(async () => {
    await Promise.all(open.splice(0).map((opened) => opened.close()));
  });

  const columns = [...new Set([...Object.keys(bench.sample(1)), ...bench.exact.map(({ column }) => column)])];
  const now = (): string => String((moment += 1));
  const create = (number: number, extra: Fields = {}): CreateRow => {
    const fields = { ...bench.sample(number), ...extra };
    const value = fields[bench.correlation] ?? null;
    return {
      op: 'create',
      ref: `c${String(number)}`,
      idempotencyKey: `create-${String(number)}`,
      fields,
      correlation: { column: bench.correlation, value },
    };
  };
  const update = (id: string, changed: Fields, key = 'update-1'): UpdateRow => ({
    op: 'update',
    ref: 'u',
    idempotencyKey: key,
    id,
    changed,
    fields: { ...bench.sample(1), ...changed },
  });
  const write = async (
    { session }: { session: Session<Settings> },
    rows: readonly WriteRow[],
  ): Promise<readonly WriteOutcome[]> => {
    const outcomes = await connector.writeBatch?.(session, { table, rows });
    expect(outcomes?.map(({ ref }) => ref)).toEqual(rows.map(({ ref }) => ref));
    return outcomes ?? [];
  };
  const make = async (opened: Rig<Settings>, ...rows: readonly WriteRow[]): Promise<string[]> => {
    const outcomes = await write(opened, rows);
    await opened.settle?.();
    return outcomes.map((outcome) => {
      if (outcome.result !== 'written') throw new Error(`expected written, got ${JSON.stringify(outcome)}`);
      return outcome.id;
    });
  };
  const page = async (
    opened: Rig<Settings>,
    mode: 'full' | 'changes',
    after: Cursor | null,
    limit: number,
  ): Promise<Page> => {
    if (!connector.readPage) throw new Error('no readPage');
    const request = { table, columns, mode, after, limit, filter: null, askedFor: now() };
    const answer = await connector.readPage(opened.session, request);
    expect(Number(answer.askedFor)).toBeLessThanOrEqual(Number(request.askedFor));
    return answer;
  };
  /** Reads to the end; every cursor goes through JSON, as it does through Postgres. */
  const readAll = async (
    opened: Rig<Settings>,
    mode: 'full' | 'changes',
    after: Cursor | null,
    limit: number,
  ): Promise<{ pages: Page[]; ids: string[]; next: Cursor | null }> => {
    const pages: Page[] = [];
    let cursor = after;
    for (let count = 0; count < 100; count += 1) {
      const answer = await page(opened, mode, cursor, limit);
      pages.push(answer);
      cursor = answer.next === null ? null : (JSON.parse(JSON.stringify(answer.next)) as Cursor);
      if (answer.complete)
        return {
          pages,
          ids: [...new Set(pages.flatMap(({ records }) => records.map(({ id }) => id)))].sort(),
          next: cursor,
        };
    }
    throw new Error('the read never said that it was complete');
  };
  const read = async ({ session }: Rig<Settings>, ids: readonly string[]) => {
    if (!connector.readByIds) throw new Error('no readByIds');
    return connector.readByIds(session, { table, columns, ids, askedFor: now() });
  };
  const factsOf = async (work: () => Promise<unknown>): Promise<FaultFacts> => {
    try {
      await work();
    } catch (error) {
      if (error instanceof Fault) return error.facts;
      throw error;
    }
    throw new Error('it did not fail');
  };
  const noSecret = (session: Session<Settings>, facts: unknown): void => {
    if (session.secret !== null) expect(JSON.stringify(facts)).not.toContain(session.secret);
  };

  describe(`${title} describes itself`, () => {
    test('its row of tideway.systems is plain JSON with a schema of its settings', () => {
      const row = systemRow('it', connector);
      expect(JSON.parse(JSON.stringify(row))).toEqual(row);
      expect(row.settings_schema).toMatchObject({ type: 'object' });
    });

    test('unknown settings are refused by name', () => {
      const result = connector.describe().settings.safeParse({ surprise: 1 });
      expect(result.success ? '' : z.prettifyError(result.error)).toContain('surprise');
    });

    test('its types convert to types the engine knows', () => {
      for (const { type } of connector.describe().types) expect(FIELD_TYPES).toContain(type);
    });

    test('discover names its tables with types and what can be written', async () => {
      const { session } = await rig();
      const found = (await connector.discover(session)).find(({ name }) => name === table);
      expect(found?.columns.map(({ name }) => name)).toEqual(expect.arrayContaining(columns));
      for (const { type } of found?.columns ?? []) expect(FIELD_TYPES).toContain(type);
      const writable = Object.fromEntries((found?.columns ?? []).map((column) => [column.name, column.writable]));
      expect(writable[bench.edits.column]).toBe(true);
      if (bench.readOnly !== undefined) expect(writable[bench.readOnly]).toBe(false);
      expect(await connector.discover(session, ['no-such-table'])).toEqual([]);
    });

    test('identify names the same account twice', async () => {
      const { session } = await rig();
      const account = await connector.identify(session);
      expect(account.id).not.toBe('');
      expect(await connector.identify(session)).toEqual(account);
    });
  });

  describeWhen(connector.readPage && connector.readByIds)(`${title} reads`, () => {
    test('every record once over several pages, and says so only on the last', async () => {
      const opened = await rig();
      const made = await make(opened, ...[1, 2, 3, 4, 5].map((number) => create(number)));
      const { pages, ids } = await readAll(opened, 'full', null, 2);
      expect(ids).toEqual(made.sort());
      expect(pages.slice(0, -1).every(({ complete, next }) => !complete && next !== null)).toBe(true);
    });

    test('an empty table is a complete page', async () => {
      const { pages } = await readAll(await rig(), 'full', null, 2);
      expect(pages).toMatchObject([{ records: [], complete: true }]);
    });

    test('a cursor that is read twice loses nothing', async () => {
      const opened = await rig();
      const made = await make(opened, ...[1, 2, 3, 4, 5].map((number) => create(number)));
      const first = await page(opened, 'full', null, 2);
      await page(opened, 'full', first.next, 2);
      const again = await readAll(opened, 'full', first.next, 2);
      expect([...new Set([...first.records.map(({ id }) => id), ...again.ids])].sort()).toEqual(made.sort());
    });

    test('records removed and changed between pages hide no other record', async () => {
      const opened = await rig();
      const made = await make(opened, ...[1, 2, 3, 4, 5, 6].map((number) => create(number)));
      const first = await page(opened, 'full', null, 2);
      await opened.remove(first.records[0]?.id ?? '');
      await opened.edit(first.records[1]?.id ?? '', { [bench.edits.column]: bench.edits.values[0] });
      await opened.settle?.();
      const rest = await readAll(opened, 'full', first.next, 2);
      expect([...new Set([...first.records.map(({ id }) => id), ...rest.ids])].sort()).toEqual(made.sort());
    });

    testWhen(connector.describe().capabilities.changes !== 'none')(
      'a change made while everything is read is found by the next read of changes',
      async () => {
        const opened = await rig();
        await make(opened, ...[1, 2, 3, 4].map((number) => create(number)));
        const first = await page(opened, 'full', null, 2);
        const early = first.records[0]?.id ?? '';
        await opened.edit(early, { [bench.edits.column]: bench.edits.values[1] });
        await opened.settle?.();
        const { next } = await readAll(opened, 'full', first.next, 2);
        const changes = await readAll(opened, 'changes', next, 2);
        const seen = changes.pages.flatMap(({ records }) => records).find(({ id }) => id === early);
        expect(seen?.fields[bench.edits.column]).toBe(bench.edits.values[1]);
        const later = await make(opened, create(9));
        expect((await readAll(opened, 'changes', changes.next, 2)).ids).toEqual(expect.arrayContaining(later));
      },
    );

    testWhen(connector.describe().capabilities.reportsDeletions)('a read of changes names what is gone', async () => {
      const opened = await rig();
      const [id = ''] = await make(opened, create(1));
      const { next } = await readAll(opened, 'full', null, 2);
      await opened.remove(id);
      expect((await readAll(opened, 'changes', next, 2)).pages.flatMap(({ gone }) => gone)).toEqual([id]);
    });

    test('records by id, and which ids do not exist', async () => {
      const opened = await rig();
      const [first = '', second = ''] = await make(opened, create(1), create(2));
      await opened.remove(second);
      await opened.settle?.();
      const answer = await read(opened, [first, second]);
      expect(answer.records.map(({ id }) => id)).toEqual([first]);
      expect(answer.missing).toEqual([second]);
    });

    test('a column that was asked for and is empty is null, never absent', async () => {
      const opened = await rig();
      const [id = ''] = await make(opened, {
        ...create(1),
        fields: { [bench.correlation]: bench.sample(1)[bench.correlation] ?? null },
      });
      const [record] = (await read(opened, [id])).records;
      expect(Object.keys(record?.fields ?? {}).sort()).toEqual(expect.arrayContaining([...columns].sort()));
      expect(record?.fields[bench.edits.column]).toBeNull();
    });

    testWhen(connector.findByKey)('every record that has a key, duplicates too', async () => {
      const opened = await rig();
      const twin = { ...create(1), ref: 'twin', idempotencyKey: 'twin' };
      const made = await make(opened, create(1), twin, create(2));
      const value = bench.sample(1)[bench.correlation] ?? null;
      const answer = await connector.findByKey?.(opened.session, {
        table,
        columns,
        column: bench.correlation,
        values: [value],
        askedFor: now(),
      });
      expect(answer?.records.map(({ id }) => id).sort()).toEqual(made.slice(0, 2).sort());
    });
  });

  describeWhen(connector.writeBatch && connector.readByIds)(`${title} writes`, () => {
    test('what is written can be read back', async () => {
      const opened = await rig();
      const [id = ''] = await make(opened, create(1));
      const [record] = (await read(opened, [id])).records;
      expect(record?.fields).toMatchObject(bench.sample(1));
    });

    test('an answer that shows the record shows what a read shows', async () => {
      const opened = await rig();
      const [outcome] = await write(opened, [create(1)]);
      await opened.settle?.();
      if (outcome?.result !== 'written' || outcome.record === undefined) return;
      const [record] = (await read(opened, [outcome.id])).records;
      expect(record?.fields).toMatchObject(
        Object.fromEntries(
          columns.flatMap((name) =>
            Object.hasOwn(outcome.record?.fields ?? {}, name) ? [[name, outcome.record?.fields[name]]] : [],
          ),
        ),
      );
    });

    test.for(bench.exact)('keeps $column exact: $value', async ({ column, value, shown }) => {
      const opened = await rig();
      const [id = ''] = await make(opened, create(1, { [column]: value }));
      const [record] = (await read(opened, [id])).records;
      expect(record?.fields[column]).toEqual(shown ?? value);
    });

    test('an update changes what was given and nothing else', async () => {
      const opened = await rig();
      const [id = ''] = await make(opened, create(1));
      const { column, values } = bench.edits;
      await make(opened, update(id, { [column]: values[0] }));
      const [record] = (await read(opened, [id])).records;
      expect(record?.fields).toMatchObject({ ...bench.sample(1), [column]: values[0] });
    });

    test('null empties a field', async () => {
      const opened = await rig();
      const [id = ''] = await make(opened, create(1));
      await make(opened, update(id, { [bench.edits.column]: null }));
      expect((await read(opened, [id])).records[0]?.fields[bench.edits.column]).toBeNull();
    });

    testWhen(connector.describe().capabilities.idempotencyKeys !== 'none')(
      'a create that is sent twice is made once',
      async () => {
        const opened = await rig();
        const [first] = await make(opened, create(1));
        const [second] = await make(opened, create(1));
        expect(second).toBe(first);
        expect(await opened.effects()).toBe(1);
      },
    );

    testWhen(bench.bad)('one bad row leaves the others written, or refuses the batch as a whole', async () => {
      const opened = await rig();
      const rows = [create(1), create(2, bench.bad?.fields), create(3)];
      const outcomes = await write(opened, rows);
      const bad = outcomes[1];
      if (bad?.result !== 'refused') throw new Error(`expected refused, got ${JSON.stringify(bad)}`);
      expect(bad.fault).toMatchObject({ retryable: false, uncertain: false });
      if (bad.wholeBatch) {
        expect(outcomes.every((outcome) => outcome.result === 'refused' && outcome.wholeBatch)).toBe(true);
        expect(await opened.effects()).toBe(0);
      } else {
        expect(outcomes.map(({ result }) => result)).toEqual(['written', 'refused', 'written']);
        expect(bad.fault.column).toBe(bench.bad?.column);
        expect(await opened.effects()).toBe(2);
      }
    });

    test('an update of a record that is gone is not_found, and creates nothing', async () => {
      const opened = await rig();
      const [id = ''] = await make(opened, create(1));
      await opened.remove(id);
      const before = await opened.effects();
      const outcomes = await write(opened, [update(id, { [bench.edits.column]: bench.edits.values[0] })]);
      expect(outcomes).toMatchObject([{ result: bench.queuesWrites ? 'written' : 'not_found' }]);
      await opened.settle?.();
      expect((await read(opened, [id])).missing).toEqual([id]);
      expect(await opened.effects()).toBe(before);
    });

    testWhen(connector.describe().capabilities.delete !== 'none')(
      'a delete that comes twice stays a delete',
      async () => {
        const opened = await rig();
        const [id = ''] = await make(opened, create(1));
        const [first] = await write(opened, [{ op: 'delete', ref: 'd', idempotencyKey: 'delete-1', id }]);
        const [second] = await write(opened, [{ op: 'delete', ref: 'd', idempotencyKey: 'delete-2', id }]);
        await opened.settle?.();
        expect(first?.result).toBe('written');
        expect(['written', 'not_found']).toContain(second?.result);
        expect((await read(opened, [id])).missing).toEqual([id]);
      },
    );

    testWhen(connector.describe().capabilities.compareAndSet === 'version')(
      'a write at an old version is a conflict and has no effect',
      async () => {
        const opened = await rig();
        const [id = ''] = await make(opened, create(1));
        const version = (await read(opened, [id])).records[0]?.version ?? '';
        await opened.edit(id, { [bench.edits.column]: bench.edits.values[1] });
        const before = await opened.effects();
        const outcomes = await write(opened, [
          { ...update(id, { [bench.edits.column]: bench.edits.values[0] }), expectedVersion: version },
        ]);
        expect(outcomes).toMatchObject([{ result: 'conflict' }]);
        if (outcomes[0]?.result === 'conflict' && outcomes[0].current) {
          expect(outcomes[0].current.fields[bench.edits.column]).toEqual(bench.edits.values[1]);
        }
        expect(await opened.effects()).toBe(before);
      },
    );

    test('a table that does not exist is a fault of the mapping, not of a row', async () => {
      const opened = await rig();
      const read = factsOf(async () =>
        connector.readPage?.(opened.session, {
          table: 'no-such-table',
          columns,
          mode: 'full',
          after: null,
          limit: 2,
          filter: null,
          askedFor: now(),
        }),
      );
      expect(await read).toMatchObject({ retryable: false });
    });
  });

  describeWhen(bench.network)(`${title} under a bad network`, () => {
    const reading = (opened: Rig<Settings>): Promise<FaultFacts> => factsOf(() => page(opened, 'full', null, 2));

    test('a wrong secret is an AUTH_ERROR that is not repeated and not shown', async () => {
      const opened = await rig();
      const session = opened.withWrongSecret as Session<Settings>;
      const facts = await factsOf(() => connector.identify(session));
      expect(facts).toMatchObject({ class: 'AUTH_ERROR', retryable: false, uncertain: false });
      const [outcome] = await write({ session }, [create(1)]);
      expect(outcome).toMatchObject({ result: 'refused', fault: { class: 'AUTH_ERROR' } });
      noSecret(session, [facts, outcome]);
    });

    test('a host where nobody listens is certain: nothing was written', async () => {
      const opened = await rig();
      const [outcome] = await write({ session: opened.withNobodyThere as Session<Settings> }, [create(1)]);
      expect(outcome).toMatchObject({ result: 'retry', fault: { class: 'NETWORK_ERROR', uncertain: false } });
    });

    test('being throttled is a RATE_LIMIT with a wait, and certainly not written', async () => {
      const opened = await rig();
      opened.misbehave?.('throttle');
      const [outcome] = await write(opened, [create(1)]);
      expect(outcome).toMatchObject({
        result: 'retry',
        fault: { class: 'RATE_LIMIT', retryAfter: expect.any(Number) as number },
      });
      expect(await opened.effects()).toBe(0);
    });

    test.for([
      'server_error',
      'web_page',
      'cut_off',
      'cut_off_cleanly',
      'empty',
      'hang',
      'reset_before',
      'drop_answer',
    ] as const)('a read that meets %s fails, can be repeated, and is never an empty page', async (how) => {
      const opened = await rig();
      await make(opened, create(1), create(2), create(3));
      opened.misbehave?.(how);
      const facts = await reading(opened);
      expect(facts).toMatchObject({ retryable: true, uncertain: false });
      noSecret(opened.session, facts);
      expect((await readAll(opened, 'full', null, 2)).ids).toHaveLength(3);
    });

    test.for([
      ['reset_before', 0],
      ['drop_answer', 1],
      ['apply_then_server_error', 1],
      ['server_error', 0],
      ['cut_off', 1],
      ['cut_off_cleanly', 1],
      ['hang', 0],
    ] as const)('a write that meets %s is uncertain, and reading back tells what happened', async ([how, happened]) => {
      const opened = await rig();
      opened.misbehave?.(how);
      const [outcome] = await write(opened, [create(1)]);
      expect(outcome).toMatchObject({ result: 'uncertain', fault: { uncertain: true } });
      noSecret(opened.session, outcome);
      expect(await opened.effects()).toBe(happened);
      await opened.settle?.();
      expect((await readAll(opened, 'full', null, 2)).ids).toHaveLength(happened);
    });

    test('a 404 that is not the app speaking of a record removes nothing', async () => {
      const opened = await rig();
      const [id = ''] = await make(opened, create(1));
      opened.misbehave?.('not_found_page');
      const [outcome] = await write(opened, [update(id, { [bench.edits.column]: bench.edits.values[0] })]);
      expect(outcome?.result).toBe('refused');
      opened.misbehave?.('not_found_page');
      await expect(read(opened, [id])).rejects.toBeInstanceOf(Fault);
    });

    testWhen(bench.cursorsExpire)('a forgotten cursor says so, and the read begins again', async () => {
      const opened = await rig();
      await make(opened, create(1), create(2), create(3));
      const first = await page(opened, 'full', null, 2);
      opened.expireCursors?.();
      expect(await factsOf(() => page(opened, 'full', first.next, 2))).toMatchObject({
        code: 'CURSOR_EXPIRED',
        retryable: true,
      });
      expect((await readAll(opened, 'full', null, 2)).ids).toHaveLength(3);
    });
  });

  describeWhen(connector.verifyWebhook)(`${title} answers its door`, () => {
    const verify = (context: WebhookContext<Settings>, delivery: WebhookDelivery) =>
      connector.verifyWebhook?.(context, delivery);
    const bell = async () => {
      const { webhook } = await rig();
      if (!webhook) throw new Error('the bench signs no webhooks');
      const time = webhook.context.now();
      return { ...webhook, time, delivery: webhook.sign(time) };
    };

    test('a genuine delivery names what to read, the same each time', async () => {
      const { context, delivery } = await bell();
      const verdict = verify(context, delivery);
      expect(verdict).toMatchObject({ genuine: true });
      expect(verify(context, delivery)).toEqual(verdict);
    });

    test('either of two secrets opens during a rotation', async () => {
      const { context, delivery } = await bell();
      expect(verify({ ...context, secrets: ['new-one', ...context.secrets] }, delivery)).toMatchObject({
        genuine: true,
      });
    });

    test.for<[string, (delivery: WebhookDelivery) => WebhookDelivery]>([
      ['unsigned', ({ body }) => ({ headers: {}, body })],
      ['altered', ({ headers, body }) => ({ headers, body: Buffer.concat([body, Buffer.from(' ')]) })],
      [
        'half-signed',
        ({ headers, body }) => ({
          headers: Object.fromEntries(
            Object.entries(headers).map(([name, value]) => [name, value.slice(0, value.length - 1)]),
          ),
          body,
        }),
      ],
    ])('an %s delivery is refused with a reason', async ([, forge]) => {
      const { context, delivery } = await bell();
      expect(verify(context, forge(delivery))).toMatchObject({ genuine: false, reason: expect.any(String) as string });
    });

    test('no secret opens nothing', async () => {
      const { context, delivery } = await bell();
      expect(verify({ ...context, secrets: [] }, delivery)).toMatchObject({ genuine: false });
      expect(verify({ ...context, secrets: ['another'] }, delivery)).toMatchObject({ genuine: false });
    });

    test('an old delivery that is played again is refused, or at least carries the same id', async () => {
      const { context, delivery, time } = await bell();
      const first = verify(context, delivery);
      const later = verify({ ...context, now: () => time + 3600 * SECOND }, delivery);
      if (later?.genuine) expect(later).toEqual(first);
      else expect(later).toMatchObject({ code: 'TIMESTAMP_SKEW' });
    });
  });

  test(`${title} goes where its settings say and nowhere else`, async () => {
    const { session } = await rig();
    for (const origin of connector.origins(session.settings)) expect(new URL(origin).origin).toBe(origin);
  });
}

const nothing = Object.assign(() => undefined, { for: () => () => undefined });

/** What an app cannot do is no test at all, rather than a skipped one. */
function testWhen(can: unknown): typeof test {
  return can ? test : (nothing as unknown as typeof test);
}

function describeWhen(can: unknown): typeof describe {
  return can ? describe : (nothing as unknown as typeof describe);
}
