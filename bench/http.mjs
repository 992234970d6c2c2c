// Measures the HTTP door of a whole daemon with 64 kept connections; see README.md. Needs `npm run build`.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';
import {
  bench,
  inTurns,
  mapTable,
  median,
  quantile,
  quick,
  ratio,
  rounds,
  startDaemon,
  startScript,
  whole,
} from './harness.mjs';

const seconds = quick ? 0.4 : 5;
const connections = 64;

await bench(async (server) => {
  const root = await server.connect();
  await mapTable(server, {
    name: 'items',
    table: 'items',
    columns: 'id integer primary key, name text, price numeric',
    direction: 'pull',
  });
  await root.query(`insert into app.items select n, 'item ' || n, n / 10.0 from generate_series(1, 10000) n`);
  await root.query(
    `update tideway.mappings set activated_at = coalesce(activated_at, now()), read = '{"name": "items", "key": "id", "ttl": "1 h"}'`,
  );
  // The account is nobody's: the daemon must not call it.
  await root.query(`select tideway.pause_connection('account of items', 'bench')`);
  // Deliveries prove themselves by the shared secret, so any system with settings that open will do.
  await root.query(`set session_replication_role = replica;
    update tideway.connections set system = 'plain', config = '{"base_url": "https://app.example.com"}';
    reset session_replication_role`);
  const { rows: tokens } = await root.query(
    `select tideway.create_api_token('bench', role => 'tideway_operator') as token`,
  );
  await root.query(`select tideway.set_webhook_secret('account of items', 'env:BENCH_WEBHOOK_SECRET')`);
  const { rows: hooks } = await root.query(`select tideway.webhook_url('account of items') as path`);

  const { door: url, stop } = await startDaemon(server.url);
  const authorization = `Bearer ${tokens[0].token}`;
  const cases = {
    'status query': () => ({ path: '/api/mappings/items/status', headers: { authorization } }),
    'cached read': () => ({ path: '/read/items/42', headers: { authorization } }),
    'uncached read': () => ({
      path: `/read/items?limit=20&price=gte.${Math.random() * 900}`,
      headers: { authorization },
    }),
    webhook: () => ({
      method: 'POST',
      path: hooks[0].path,
      headers: {
        'x-tideway-secret': 'bench-secret',
        'x-tideway-delivery': randomUUID(),
        'content-type': 'application/json',
      },
      body: '{"recordId": "rec1"}',
    }),
  };
  const bare = await startScript('by-hand.mjs', ['bare', server.url, url]);
  for (const make of Object.values(cases)) await drive(url, make, quick ? 0.3 : 2);
  const drives = Object.entries({ ...cases, bare: () => ({ path: '/' }) }).map(([name, make]) => [
    name,
    async () => {
      const target = name === 'bare' ? bare.url : url;
      const full = await drive(target, make, seconds);
      const half = await drive(target, make, seconds, full.rate / 2);
      return { full, half };
    },
  ]);
  const found = await inTurns(Object.fromEntries(drives));
  await stop();
  const pick = (name, part, what) => found[name].map((one) => one[part][what]);
  return {
    heads: [
      'request',
      'x bare node:http',
      'requests/s',
      'p50 ms',
      'p99 ms',
      'at half: requests/s',
      'p99 ms',
      'wrong answers',
    ],
    rows: Object.keys(found).map((name) => [
      name === 'bare' ? 'bare node:http, answers at once' : name,
      ratio(pick(name, 'full', 'rate'), pick('bare', 'full', 'rate')),
      whole(median(pick(name, 'full', 'rate'))),
      ms(median(pick(name, 'full', 'p50'))),
      ms(median(pick(name, 'full', 'p99'))),
      whole(median(pick(name, 'half', 'rate'))),
      ms(median(pick(name, 'half', 'p99'))),
      [...pick(name, 'full', 'wrong'), ...pick(name, 'half', 'wrong')].reduce((sum, one) => sum + one, 0),
    ]),
    notes: [
      `${connections} kept connections, ${rounds} round(s) of ${seconds} s each; client, daemon and server share the machine.`,
    ],
    raw: found,
  };
});

/** As fast as the connections allow, or at a rate; a request that waits for a connection has begun already. */
async function drive(url, make, forSeconds, rate = Infinity) {
  const pool = new Pool(url, { connections, pipelining: 1 });
  const took = [];
  let wrong = 0;
  const one = async (began) => {
    const { statusCode, body } = await pool.request({ method: 'GET', ...make() });
    await body.dump();
    took.push(performance.now() - began);
    if (statusCode >= 300) wrong += 1;
  };
  const start = performance.now();
  const end = start + forSeconds * 1000;
  if (rate === Infinity) {
    await Promise.all(
      Array.from({ length: connections }, async () => {
        while (performance.now() < end) await one(performance.now());
      }),
    );
  } else {
    const open = new Set();
    for (let sent = 0; performance.now() < end; await sleep(1)) {
      for (const due = ((performance.now() - start) / 1000) * rate; sent < due; sent++) {
        const request = one(start + (sent / rate) * 1000).finally(() => open.delete(request));
        open.add(request);
      }
    }
    await Promise.all(open);
  }
  const lasted = (performance.now() - start) / 1000;
  await pool.close();
  return { rate: took.length / lasted, p50: quantile(took, 0.5), p99: quantile(took, 0.99), wrong };
}

function ms(value) {
  return value.toFixed(1);
}
