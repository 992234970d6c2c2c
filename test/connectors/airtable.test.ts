import Airtable from 'airtable';
import { describe, expect, test } from 'vitest';
import { airtable } from '../../src/connectors/airtable/airtable.ts';
import { airtableSettings, type AirtableSettings } from '../../src/connectors/airtable/settings.ts';
import type { Cursor } from '../../src/connectors/connector.ts';
import type { WriteRow } from '../../src/model/write.ts';
import { startAirtableApp, type AirtableStandInTable } from '../apps/airtable/airtable-app.ts';
import { exerciseConnector } from './contract.ts';
import { FAULTS, misbehaving } from './misbehaving.ts';
import { openSession } from './open-session.ts';

const TOKEN = 'patAbCdEfGhIjKlMn.0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef';
const BASE = 'appAbCdEfGhIjKlMn';
const VEHICLES: AirtableStandInTable = {
  id: 'tblVehicles000001',
  name: 'Vehicles',
  fields: [
    { id: 'fldVin0000000001', name: 'VIN', type: 'singleLineText' },
    { id: 'fldMake000000001', name: 'Make {old}', type: 'singleLineText' },
    { id: 'fldPrice00000001', name: 'Price', type: 'currency' },
    { id: 'fldSold000000001', name: 'Sold', type: 'checkbox' },
    { id: 'fldSeen000000001', name: 'Seen', type: 'dateTime' },
    {
      id: 'fldState00000001',
      name: 'State',
      type: 'singleSelect',
      options: { choices: [{ name: 'New' }, { name: 'Used' }] },
    },
    { id: 'fldTags000000001', name: 'Tags', type: 'multipleSelects' },
    {
      id: 'fldOwner00000001',
      name: 'Owner',
      type: 'multipleRecordLinks',
      options: { linkedTableId: 'tblOwners00000001', prefersSingleRecordLink: true },
    },
    { id: 'fldPhotos0000001', name: 'Photos', type: 'multipleAttachments' },
    {
      id: 'fldShout00000001',
      name: 'Shout',
      type: 'formula',
      options: { of: 'VIN', result: { type: 'singleLineText' } },
    },
    { id: 'fldBroken0000001', name: 'Broken', type: 'formula', options: { of: 'nothing', result: { type: 'number' } } },
  ],
};
const [VIN, MAKE, PRICE, SOLD, SEEN, STATE, TAGS, OWNER, PHOTOS, SHOUT, BROKEN] = VEHICLES.fields.map(
  ({ id }) => id,
) as [string, string, string, string, string, string, string, string, string, string, string];

const OWN_FAULTS: typeof FAULTS = {
  ...FAULTS,
  throttle: {
    kind: 'status',
    status: 429,
    body: '{"error":{"type":"RATE_LIMIT_REACHED","message":"Rate limit exceeded. Please try again later"}}',
    headers: { 'retry-after': '0.01' },
  },
  apply_then_server_error: { kind: 'status', status: 500, applied: true, body: '{"error":{"type":"SERVER_ERROR"}}' },
};

/** The paths of records: a schema that is asked first must not take a fault that is meant for them. */
const RECORDS = `/v0/${BASE}/`;

async function open(settings: Partial<AirtableSettings> = {}, app: { now?: () => number } = {}) {
  const standIn = await startAirtableApp({ token: TOKEN, baseId: BASE, tables: [VEHICLES], ...app });
  const made = (url: string): AirtableSettings =>
    airtableSettings.parse({ base_id: BASE, base_url: url, requests_per_second: 5, ...settings });
  const quick = { ...airtable, describe: (given?: AirtableSettings) => withoutPace(airtable.describe(given)) };
  const good = openSession({ connector: quick, settings: made(standIn.url), secret: TOKEN, deadline: 2000 });
  const wrong = openSession({ connector: quick, settings: made(standIn.url), secret: 'patWrong.77' });
  const absent = openSession({ connector: quick, settings: made('http://127.0.0.1:1'), secret: TOKEN });
  return {
    app: standIn,
    ...misbehaving(good.session, (how) => {
      standIn.fail({ path: RECORDS, with: OWN_FAULTS[how] });
    }),
    tokens: good.tokens,
    withWrongSecret: wrong.session,
    withNobodyThere: absent.session,
    close: async () => {
      await Promise.all([good, wrong, absent].map((opened) => opened.close()));
      await standIn.stop();
    },
  };
}

/** The pace of the real app would make the tests wait. */
function withoutPace(description: ReturnType<typeof airtable.describe>): ReturnType<typeof airtable.describe> {
  return {
    ...description,
    limits: { ...description.limits, rates: { requestsPerSecond: 1000, burst: 100, concurrency: 8 } },
  };
}

exerciseConnector({
  connector: airtable,
  table: VEHICLES.id,
  sample: (number) => ({ [VIN]: `WVW${String(number)}`, [MAKE]: "Citroën 'C4'", [PRICE]: 1.5, [SOLD]: true }),
  correlation: VIN,
  edits: { column: MAKE, values: ['Opel', 'Saab'] },
  bad: { fields: { [STATE]: 'Stolen' }, column: 'State' },
  exact: [
    { column: PRICE, value: '123456789.25', shown: 123456789.25 },
    { column: SOLD, value: false },
    { column: SEEN, value: '2026-03-29T02:30:00.123+01:00', shown: '2026-03-29T01:30:00.123Z' },
    { column: STATE, value: 'Used' },
    { column: TAGS, value: ['a', 'b'] },
    { column: OWNER, value: 'rec00000000000001' },
    { column: MAKE, value: 'a "quoted" \\ name\u2028' },
  ],
  readOnly: SHOUT,
  network: true,
  cursorsExpire: true,
  open: async () => {
    const opened = await open();
    const { app } = opened;
    return {
      ...opened,
      edit: (id, fields) => {
        app.edit(VEHICLES.id, id, fields);
      },
      remove: (id) => {
        app.remove(VEHICLES.id, id);
      },
      effects: () => app.effects().length,
      expireCursors: () => {
        app.expireOffsets();
      },
      webhook: {
        context: {
          settings: airtableSettings.parse({ base_id: 'app00000000000000' }),
          secrets: ['dGlkZXdheS10ZXN0LW1hYy1zZWNyZXQtMDAwMQ=='],
          now: () => 1_790_000_000_000,
        },
        sign: () => ({
          headers: {
            'x-airtable-content-mac': 'hmac-sha256=b8d0733ea2cada3d43755868e35e9e201c5c81d5c338ef6d8857baecfa164eec',
          },
          body: Buffer.from(
            '{"base":{"id":"app00000000000000"},"webhook":{"id":"ach00000000000000"},"timestamp":"2022-02-01T21:25:05.663Z"}',
          ),
        }),
      },
    };
  },
});

describe('Airtable', () => {
  type Opened = Awaited<ReturnType<typeof open>>;
  const using = async (work: (opened: Opened) => Promise<void>, ...how: Parameters<typeof open>): Promise<void> => {
    const opened = await open(...how);
    try {
      await work(opened);
    } finally {
      await opened.close();
    }
  };
  const write = async ({ session }: Opened, ...rows: WriteRow[]) =>
    (await airtable.writeBatch?.(session, { table: VEHICLES.id, rows })) ?? [];
  const create = (ref: string, vin: string, extra: Record<string, string> = {}): WriteRow => ({
    op: 'create',
    ref,
    idempotencyKey: ref,
    fields: { [VIN]: vin, ...extra },
    correlation: { column: VIN, value: vin },
  });
  const read = async ({ session }: Opened, after: Cursor | null, columns = [VIN]) => {
    const page = await airtable.readPage?.(session, {
      table: VEHICLES.id,
      columns,
      mode: after === null ? 'full' : 'changes',
      after,
      limit: 100,
      filter: null,
      askedFor: '1',
    });
    if (!page) throw new Error('no page');
    return page;
  };

  test('a computed field is read-only, one that cannot be computed is a problem of its column', () =>
    using(async (opened) => {
      opened.app.add(VEHICLES.id, { [VIN]: 'abc' });
      const { records } = await read(opened, null, [SHOUT, BROKEN]);
      expect(records).toMatchObject([{ fields: { [SHOUT]: 'ABC' }, problems: [{ column: BROKEN }] }]);
      const [outcome] = await write(opened, create('a', 'x', { [SHOUT]: 'y' }));
      expect(outcome).toMatchObject({ result: 'refused', fault: { code: 'VALUE_REFUSED', column: SHOUT } });
    }));

  test('attachments are shown without addresses that expire', () =>
    using(async (opened) => {
      opened.app.add(VEHICLES.id, {
        [PHOTOS]: [{ id: 'att1', url: 'https://x/1', filename: 'a.jpg', size: 3, type: 'image/jpeg', thumbnails: {} }],
      });
      expect((await read(opened, null, [PHOTOS])).records[0]?.fields[PHOTOS]).toEqual([
        { id: 'att1', filename: 'a.jpg', size: 3, type: 'image/jpeg' },
      ]);
    }));

  test('a number that a double cannot hold is refused, not rounded', () =>
    using(async (opened) => {
      const [outcome] = await write(opened, create('a', 'x', { [PRICE]: '12345678901234567890.5' }));
      expect(outcome).toMatchObject({ result: 'refused', fault: { code: 'NUMERIC_OUT_OF_RANGE', column: PRICE } });
    }));

  test('a table and columns may be mapped by name; a name with braces is searched too', () =>
    using(async (opened) => {
      opened.app.add(VEHICLES.id, { [MAKE]: 'Opel' });
      const answer = await airtable.findByKey?.(opened.session, {
        table: 'Vehicles',
        columns: ['VIN'],
        column: 'Make {old}',
        values: ['Opel'],
        askedFor: '1',
      });
      expect(answer?.records).toHaveLength(1);
    }));

  test('with upsert, a create whose key exists changes that record; two with one key are sent apart', () =>
    using(
      async (opened) => {
        const row = opened.app.add(VEHICLES.id, { [VIN]: 'same' });
        const outcomes = await write(
          opened,
          create('a', 'same', { [MAKE]: 'Opel' }),
          create('b', 'twice'),
          create('c', 'twice', { [MAKE]: 'Saab' }),
        );
        expect(outcomes).toMatchObject([
          { result: 'written', id: row.id },
          { result: 'written' },
          { result: 'written' },
        ]);
        expect(opened.app.rows(VEHICLES.id).map(({ fields }) => fields)).toEqual([
          { [VIN]: 'same', [MAKE]: 'Opel' },
          { [VIN]: 'twice', [MAKE]: 'Saab' },
        ]);
      },
      { upsert: true },
    ));

  test('deletions are named by the payloads of our webhook, and only once', () =>
    using(async (opened) => {
      const kept = await airtable.keepWebhook?.(opened.session, {
        url: 'https://tideway.example.com/webhooks/x',
        tables: [VEHICLES.id],
        known: null,
      });
      const [first, second] = [1, 2].map((n) => opened.app.add(VEHICLES.id, { [VIN]: String(n) }));
      const full = await read(opened, null);
      opened.app.remove(VEHICLES.id, first?.id ?? '');
      const changes = await read(opened, full.next);
      expect(changes.gone).toEqual([first?.id]);
      opened.app.remove(VEHICLES.id, second?.id ?? '');
      expect((await read(opened, changes.next)).gone).toEqual([second?.id]);

      const [hook] = opened.app.hooks();
      const { headers, body } = opened.app.ping(kept?.id ?? '');
      const context = {
        settings: opened.session.settings,
        secrets: [opened.tokens.get('webhook_secret') ?? ''],
        now: Date.now,
      };
      expect(airtable.verifyWebhook?.(context, { headers, body: Buffer.from(body) })).toMatchObject({
        genuine: true,
        changed: [],
      });
      // Silenced by the app, it is made to ring again; lost, it is made anew.
      if (hook) hook.areNotificationsEnabled = false;
      const again = await airtable.keepWebhook?.(opened.session, {
        url: 'https://tideway.example.com/webhooks/x',
        tables: [VEHICLES.id],
        known: kept ?? null,
      });
      expect(again?.id).toBe(kept?.id);
      expect(hook?.areNotificationsEnabled).toBe(true);
      if (hook) hook.expirationTime = '2020-01-01T00:00:00.000Z';
      const anew = await airtable.keepWebhook?.(opened.session, {
        url: 'https://tideway.example.com/webhooks/x',
        tables: [VEHICLES.id],
        known: kept ?? null,
      });
      expect(anew?.id).not.toBe(kept?.id);
      expect(opened.app.hooks()).toHaveLength(1);
    }));

  test('the monthly limit is no reason to try again', () =>
    using(async (opened) => {
      await read(opened, null);
      opened.app.exhaust();
      const [outcome] = await write(opened, create('a', 'x'));
      expect(outcome).toMatchObject({ result: 'refused', fault: { code: 'QUOTA_EXHAUSTED', retryable: false } });
    }));

  test('a base that is asked too fast shuts for a while, and the limits that we describe keep below that', () =>
    using(async (opened) => {
      const { rates } = airtable.describe(opened.session.settings).limits;
      expect(rates).toMatchObject({ requestsPerSecond: 5, burst: 1, penalty: 30_000 });
    }));

  test('the schema is asked once for many writes', () =>
    using(async (opened) => {
      for (let n = 0; n < 5; n += 1) await write(opened, create(`r${String(n)}`, `v${String(n)}`));
      expect(opened.app.requests().filter((request) => request.includes('/meta/'))).toHaveLength(1);
      expect(opened.app.requests()).toHaveLength(6);
    }));
});

test('the stand-in serves the official client', async () => {
  const app = await startAirtableApp({ token: TOKEN, baseId: BASE, tables: [VEHICLES] });
  const base = new Airtable({ apiKey: TOKEN, endpointUrl: app.url, noRetryIfRateLimited: true }).base(BASE);
  const made = await base('Vehicles').create([{ fields: { VIN: 'a', Sold: true } }, { fields: { VIN: 'b' } }]);
  expect(made.map((record) => record.fields)).toEqual([
    { VIN: 'a', Sold: true, Shout: 'A', Broken: { error: '#ERROR!' } },
    { VIN: 'b', Shout: 'B', Broken: { error: '#ERROR!' } },
  ]);
  await base('Vehicles').update([{ id: made[0]?.id ?? '', fields: { Price: 5, Sold: false } }]);
  const found = await base('Vehicles')
    .select({ filterByFormula: "{VIN}='a'", fields: ['VIN', 'Price', 'Sold'], pageSize: 1 })
    .all();
  expect(found.map((record) => record.fields)).toEqual([{ VIN: 'a', Price: 5 }]);
  expect(await base('Vehicles').select({ pageSize: 1 }).all()).toHaveLength(2);
  await base('Vehicles').destroy(made.map(({ id }) => id));
  expect(app.rows(VEHICLES.id)).toEqual([]);
  await expect(base('Vehicles').create([{ fields: { Nothing: 1 } as never }])).rejects.toMatchObject({
    error: 'UNKNOWN_FIELD_NAME',
    statusCode: 422,
  });
  await expect(base('Vehicles').create([{ fields: { State: 'Stolen' } }])).rejects.toMatchObject({
    error: 'INVALID_MULTIPLE_CHOICE_OPTIONS',
  });
  await app.stop();
});
