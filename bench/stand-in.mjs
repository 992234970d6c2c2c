// An app that takes every write and shows as many records as it is told to, in a process of its own.
// The first part of a path names the account: /a1/v1/… and /a2/v1/… are two apps, each with its own moods.
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { Pool } from 'undici';

const moment = () => Number(process.hrtime.bigint()) / 1e6;
/** Milliseconds since 1970 as the server's commit timestamps count them. */
const wall = () => performance.timeOrigin + performance.now();
const column = ([id, type]) => ({ id, title: id, type, writable: true, required: false });
const tables = {
  items: Object.entries({ ref: 'number', name: 'text', qty: 'number', note: 'text' }),
  records: Object.entries({
    id: 'number',
    name: 'text',
    price: 'number',
    active: 'boolean',
    made: 'date',
    seen: 'datetime',
    note: 'text',
  }),
};
const accounts = new Map();
const account = (id) => {
  if (!accounts.has(id))
    accounts.set(id, {
      rows: 0,
      requests: 0,
      arrivals: [],
      delay: 0,
      dead: false,
      records: 0,
      round: 0,
      edits: new Map(),
      pages: new Map(),
    });
  return accounts.get(id);
};
let made = 0;

const server = createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const body = Buffer.concat(chunks).toString();
    void answer(request, response, body).catch((error) => {
      console.error(`stand-in: ${error.stack}`);
      response.destroy();
    });
  });
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => process.stdout.write(`http://127.0.0.1:${server.address().port}\n`));

async function answer(request, response, body) {
  const url = new URL(request.url, 'http://app');
  const send = (value) => {
    response.setHeader('content-type', 'application/json');
    response.end(typeof value === 'string' ? value : JSON.stringify(value));
  };
  const [first, ...rest] = url.pathname.slice(1).split('/');
  if (first === 'control') return send((await control(rest[0], JSON.parse(body))) ?? {});
  const app = account(first);
  const path = rest.join('/');
  if (app.dead) return request.socket.destroy();
  if (app.delay > 0) await pause(app.delay);
  if (path === 'v1/account') return send({ id: first, title: first });
  if (path === 'v1/tables')
    return send({
      tables: Object.entries(tables).map(([id, columns]) => ({ id, title: id, columns: columns.map(column) })),
    });
  const [, , table, , what] = rest;
  if (what === undefined) return send(page(app, table, url.searchParams));
  const asked = JSON.parse(body);
  if (what === 'read') {
    const records = asked.ids.map((id) => record(app, table, Number(id.slice(1))));
    return send({ records, missing: [] });
  }
  if (what === 'find') return send({ records: [] });
  const numbers = [];
  const results = asked.rows.map(({ id, values }) => {
    const mine = id ?? `n${++made}`;
    if (values?.qty >= 1_000_000) numbers.push(Number(values.qty));
    return {
      id: mine,
      version: 1,
      record: { id: mine, version: 1, modified_at: '2026-01-01T00:00:00Z', values: values ?? {} },
    };
  });
  send({ results });
  app.rows += results.length;
  app.requests += 1;
  const at = moment();
  for (const number of numbers) app.arrivals.push([number, at]);
}

function record(app, table, number) {
  const edit = app.edits.get(number);
  const values =
    table === 'items'
      ? { ref: number, name: `item ${number}`, qty: edit ?? 0, note: 'x'.repeat(40) }
      : {
          id: number,
          name: `name ${number}${number % 10 === 0 ? ` of round ${app.round}` : ''}`,
          price: (number % 1000) / 10,
          active: number % 2 === 0,
          made: '2024-02-03',
          seen: '2024-01-01T00:00:00.000Z',
          note: `a longer note for ${number}`,
        };
  return { id: `r${number}`, version: 1, modified_at: '2026-01-01T00:00:00.000Z', values };
}

/** Pages are made once, as a cache would have them. */
function page(app, table, query) {
  const at = '2026-01-02T00:00:00.000Z';
  if (query.has('modified_after')) return { records: [], total: 0, now: at };
  const from = Number(query.get('cursor') ?? 0);
  const limit = Number(query.get('limit'));
  const key = `${table} ${from} ${limit}`;
  if (!app.pages.has(key)) {
    const to = Math.min(app.records, from + limit);
    const records = Array.from({ length: to - from }, (_, n) => record(app, table, 1 + from + n));
    const next = to < app.records ? { next: String(to) } : {};
    app.pages.set(key, JSON.stringify({ records, total: app.records, now: at, ...next }));
  }
  return app.pages.get(key);
}

async function control(what, body) {
  const app = account(body.account ?? 'a1');
  switch (what) {
    case 'stats':
      return { rows: app.rows, requests: app.requests, arrivals: app.arrivals };
    case 'reset':
      Object.assign(app, { rows: 0, requests: 0, arrivals: [] });
      return;
    case 'mood':
      Object.assign(app, { delay: body.delay ?? 0, dead: body.dead ?? false });
      return;
    case 'show':
      Object.assign(app, { records: body.records, round: body.round ?? 0, pages: new Map() });
      if (body.table !== undefined)
        for (let from = 0; from < app.records; from += body.width)
          page(app, body.table, new URLSearchParams({ cursor: String(from), limit: String(body.width) }));
      return;
    case 'edit':
      return edit(app, body);
    default:
      throw new Error(`Nobody knows ${what}`);
  }
}

/** Changes records one after the other and rings for each; answers with when each was changed and acknowledged. */
async function edit(app, { hook, first, count, rate, at, table = 'items', connections = 64 }) {
  const target = new URL(hook);
  const pool = new Pool(target.origin, { connections, pipelining: 1 });
  const edits = [];
  const open = new Set();
  const one = async (number) => {
    app.edits.set(number, at + number);
    const changed = wall();
    const begun = moment();
    const { statusCode, body } = await pool.request({
      method: 'POST',
      path: target.pathname,
      headers: {
        'x-tideway-secret': 'bench-secret',
        'x-tideway-delivery': randomUUID(),
        'content-type': 'application/json',
      },
      body: JSON.stringify({ recordId: `r${number}`, table }),
    });
    await body.dump();
    edits.push([number, changed, moment() - begun, statusCode]);
  };
  const begin = moment();
  if (rate === undefined) {
    let next = first;
    await Promise.all(
      Array.from({ length: connections }, async () => {
        while (next < first + count) await one(next++);
      }),
    );
  } else {
    for (let sent = 0; sent < count; await pause(1))
      for (const due = Math.min(count, ((moment() - begin) / 1000) * rate); sent < due; sent += 1) {
        const ring = one(first + sent).finally(() => open.delete(ring));
        open.add(ring);
      }
    await Promise.all(open);
  }
  const seconds = (moment() - begin) / 1000;
  await pool.close();
  return { edits, seconds };
}
