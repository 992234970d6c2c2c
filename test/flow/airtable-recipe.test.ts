import { readFileSync } from 'node:fs';
import { runInNewContext } from 'node:vm';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { startAirtableApp, type AirtableApp } from '../apps/airtable/airtable-app.ts';
import { killDaemons, startDaemon } from '../support/daemon.ts';
import { useDatabase } from '../support/database.ts';
import { dropSlot } from '../support/drop-slot.ts';
import { waitFor } from '../support/wait-for.ts';
import { doorOf } from './http/door.ts';
import { recipe, tellOnFailure } from './recipe.ts';

const TOKEN = 'patRecipe.0123456789abcdef';
const SECRET = 'secret of the automation';
const TABLE = {
  id: 'tblVehicles000001',
  name: 'Inventario',
  fields: [
    { id: 'fldSlug000000001', name: 'Slug', type: 'singleLineText' },
    { id: 'fldTitle00000001', name: 'Title', type: 'singleLineText' },
    { id: 'fldPrice00000001', name: 'Price', type: 'number' },
    { id: 'fldState00000001', name: 'State', type: 'singleLineText' },
    { id: 'fldSold000000001', name: 'Sold', type: 'checkbox' },
  ],
} as const;
const [SLUG, TITLE, PRICE, STATE, SOLD] = TABLE.fields.map(({ id }) => id) as [string, string, string, string, string];

const { pool, url, name } = useDatabase();
const slot = `${name}_slot`;
let app: AirtableApp;

beforeEach(async () => {
  app = await startAirtableApp({ token: TOKEN, baseId: 'appInventario0001', tables: [TABLE] });
});
afterEach(async () => {
  await killDaemons();
  await app.stop();
});
afterAll(() => dropSlot(pool, slot));

const eventually = (check: () => unknown) => waitFor(async () => void (await check()), { within: 40_000 });

/** The script of the page, as Airtable runs it, with waits that are so many times as short. */
async function automation(
  recordId: string,
  address: string,
  ask: (address: string, request: RequestInit) => Promise<{ ok: boolean; status: number }>,
  speed = 100,
): Promise<Record<string, unknown>> {
  const [, script = ''] = /```js\n([^]*?)```/.exec(readFileSync('docs/systems/airtable.md', 'utf8')) ?? [];
  const told: Record<string, unknown> = {};
  await runInNewContext(
    `(async () => {${script.replace(/'https:\/\/tideway[^']*'/, JSON.stringify(address)).replace(/'the secret of[^']*'/, JSON.stringify(SECRET))}})()`,
    {
      input: { config: () => ({ recordId }) },
      output: { set: (key: string, value: unknown) => (told[key] = value) },
      fetch: ask,
      setTimeout: (work: () => void, ms: number) => setTimeout(work, ms / speed).unref(),
      console: { warn: () => {} },
      Date,
      Math,
    },
  );
  return told;
}

test('the automation tries again what is worth it, gives up what is not, and never waits for an answer for ever', async () => {
  const answers = (...statuses: number[]) => {
    let asked = 0;
    return () => {
      const status = statuses[asked++] ?? 0;
      return Promise.resolve({ ok: status < 300, status });
    };
  };
  expect(await automation('rec1', 'x', answers(503, 429, 202))).toMatchObject({ status: 'sent', attempts: 3 });
  expect(await automation('rec1', 'x', answers(503, 500, 502))).toMatchObject({ status: 'failed', attempts: 3 });
  expect(await automation('rec1', 'x', answers(401))).toMatchObject({ status: 'refused: 401', attempts: 1 });
  const told = await automation('rec1', 'x', () => new Promise(() => {}));
  expect(told).toMatchObject({ status: 'failed', attempts: 3, duration: expect.any(Number) as number });
});

test('vehicles of Airtable, rung by an automation, served from a cache, and swept at night', async () => {
  const page = recipe(pool, 'docs/recipes/airtable-vehicles.md', {
    '"base_id": "appInventario0001"': `"base_id": "appInventario0001", "base_url": "${app.url}", "requests_per_second": 5`,
  });
  const opel = app.add(TABLE.id, { [SLUG]: 'opel-astra', [TITLE]: 'Opel Astra', [PRICE]: 9000, [STATE]: 'Comprado' });
  app.add(TABLE.id, { [SLUG]: 'saab-900', [TITLE]: 'Saab 900', [PRICE]: 24000, [STATE]: 'Comprado' });
  app.add(TABLE.id, { [SLUG]: 'lada-niva', [TITLE]: 'Lada Niva', [PRICE]: 3000, [STATE]: 'Ofrecido' });
  const daemon = await startDaemon(url, {
    TIDEWAY_SLOT: slot,
    AIRTABLE_TOKEN: TOKEN,
    AUTOMATION_SECRET: SECRET,
    TIDEWAY_PUBLIC_URL: 'https://tideway.example',
  });
  tellOnFailure(pool, daemon);
  const door = doorOf(daemon);
  await page.runUpTo('tideway.activate');
  const vehicles = async () =>
    (await pool.query({ text: 'select slug, price::int, sold from inventario_cache order by slug', rowMode: 'array' }))
      .rows;
  await eventually(async () =>
    expect(await vehicles()).toEqual([
      ['opel-astra', 9000, false],
      ['saab-900', 24000, false],
    ]),
  );

  // The address that the automation knows, on this machine.
  const hook = (await page.run<{ webhook_url?: string }>('tideway.webhook_url')).at(-1);
  const address = door + new URL(hook?.webhook_url ?? '').pathname;
  const get = async (path: string) => {
    const answer = await fetch(`${door}/functions/v1/rapid-processor${path}`);
    return { cache: answer.headers.get('x-cache'), body: (await answer.json()) as { data: unknown[]; price: number } };
  };
  await eventually(async () => expect((await get('')).cache).toBe('hit'));
  app.edit(TABLE.id, opel.id, { [PRICE]: 8500 });
  // The first tries meet a server that is just starting again.
  let tries = 0;
  const told = await automation(
    opel.id,
    address,
    (where, request) => ((tries += 1) < 3 ? Promise.resolve({ ok: false, status: 503 }) : fetch(where, request)),
    2,
  );
  expect(told).toMatchObject({ status: 'sent', attempts: 3 });
  await eventually(async () => expect((await get('/opel-astra')).body.price).toBe(8500));
  await eventually(async () => {
    const { rows } = await pool.query(
      `select attempt_number from tideway.sync_activity_log where action = 'webhook_received' and record_id = $1`,
      [opel.id],
    );
    expect(rows).toEqual([{ attempt_number: 3 }]);
  });
  expect((await get('?sold=false&price=lte.20000')).body.data).toMatchObject([{ slug: 'opel-astra' }]);
  const forged = await fetch(address, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-tideway-secret': 'another' },
    body: JSON.stringify({ recordId: opel.id, timestamp: new Date().toISOString() }),
  });
  expect(forged.status).toBe(401);

  const [token] = await page.run<{ token: string }>('create_api_token');
  const forget = (headers: Record<string, string>) =>
    fetch(`${door}/functions/v1/rapid-processor/invalidate-cache`, { method: 'POST', headers });
  expect((await forget({ authorization: `Bearer ${token?.token ?? ''}` })).status).toBe(200);
  expect((await (await fetch(`${door}/read/cache-stats`)).json()) as object).toMatchObject({});

  // Nobody rang for these: the night finds them.
  app.remove(TABLE.id, opel.id);
  const [saab] = app.rows(TABLE.id);
  app.edit(TABLE.id, saab?.id ?? '', { [SOLD]: true });
  await page.run('tideway.sweep');
  await eventually(async () => expect(await vehicles()).toEqual([['saab-900', 24000, true]]));
  await eventually(async () =>
    expect(await page.run(`kind = 'sweep'`)).toMatchObject([{ status: 'completed', rows_deleted: '1' }]),
  );
  await eventually(async () => expect((await get('')).body.data).toMatchObject([{ slug: 'saab-900', sold: true }]));

  expect(await page.run('kpi_report')).toHaveLength(5);
  expect(await page.run('success_rate_pct')).not.toEqual([]);
  await page.run('error_details');
  await page.run('tideway.sync_stats where');
});
