// Measures the HTTP door of a whole daemon with 64 kept connections; see README.md. Needs `npm run build`.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';
import { bench, mapTable, median, quantile, quick, say, startDaemon, startScript } from './harness.mjs';

const seconds = quick ? 0.7 : 20;
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

  const daemon = await startDaemon(server.url);
  const bare = await startScript('bare-reader.mjs', [], { DATABASE_URL: server.url });
  const authorization = `Bearer ${tokens[0].token}`;
  const filter = () => `price=gte.${Math.random() * 900}`;
  // What the machine gives a request that asks Postgres nothing, and the same rows without anything of ours.
  const cases = {
    'probe, no statement': () => ({ path: '/healthz' }),
    'bare server, uncached read': () => ({ path: `/?${filter()}` }),
    'status query': () => ({ path: '/api/mappings/items/status', headers: { authorization } }),
    'cached read': () => ({ path: '/read/items/42', headers: { authorization } }),
    'uncached read': () => ({
      path: `/read/items?limit=20&${filter()}`,
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
  const rows = [];
  let yardstick;
  for (const [name, make] of Object.entries(cases)) {
    const at = name.startsWith('bare') ? bare.url : daemon.door;
    await drive(at, make, quick ? 0.3 : 2);
    const full = await drive(at, make, seconds);
    const half = await drive(at, make, seconds, full.rate / 2);
    // In turns at the same rate: what else the machine does hits both.
    if (name === 'uncached read')
      yardstick = await compare([at, make], [bare.url, cases['bare server, uncached read']], full.rate / 2);
    rows.push([
      name,
      Math.round(full.rate),
      ms(full.p50),
      ms(full.p99),
      Math.round(half.rate),
      ms(half.p99),
      full.wrong + half.wrong,
    ]);
    say(name);
  }
  await bare.stop();
  await daemon.stop();
  return {
    heads: ['request', 'requests/s', 'p50 ms', 'p99 ms', 'at half: requests/s', 'at half: p99 ms', 'wrong answers'],
    rows,
    notes: [
      `${connections} kept connections, ${seconds} s each; client, daemon and server share the machine`,
      `uncached read against the bare server at the same rate, in turns: p50 ${yardstick.p50.toFixed(1)} times, p99 ${yardstick.p99.toFixed(1)} times`,
    ],
    raw: rows,
  };
});

/** The median over rounds of how much longer the first takes than the second. */
async function compare(first, second, rate) {
  const ratios = [];
  for (let round = 0; round < (quick ? 3 : 5); round++) {
    const [ours, theirs] = [await drive(...first, seconds / 4, rate), await drive(...second, seconds / 4, rate)];
    ratios.push({ p50: ours.p50 / theirs.p50, p99: ours.p99 / theirs.p99 });
  }
  return { p50: median(ratios.map(({ p50 }) => p50)), p99: median(ratios.map(({ p99 }) => p99)) };
}

/** As fast as the connections allow, or at a rate; a request that waits for a connection has begun already. */
async function drive(url, make, forSeconds, rate = Infinity) {
  const pool = new Pool(url, { connections, pipelining: 1 });
  const took = [];
  let wrong = 0;
  const one = async (began) => {
    const { statusCode, body } = await pool.request({ method: 'GET', ...make() });
    if (statusCode < 300) await body.dump();
    else if ((wrong += 1) === 1) console.error(`${statusCode} ${await body.text()}`);
    else await body.dump();
    took.push(performance.now() - began);
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
