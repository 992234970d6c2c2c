// Measures the way from an app to committed rows, through the whole daemon; see README.md. Needs `npm run build`.
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { mapTable, median, onServer, report, timed } from './bench-server.mjs';

const script = fileURLToPath(import.meta.url);
const quick = process.argv.includes('--quick');
const records = quick ? 50_000 : 1_000_000;
const rounds = quick ? 1 : 3;
const width = 10_000;

/** The record of a number; every tenth differs by its round. */
const record = (number, round) => ({
  id: `rec${number}`,
  version: 1,
  modified_at: '2026-01-01T00:00:00.000Z',
  values: {
    id: number,
    name: `name ${number}${number % 10 === 0 ? ` of round ${round}` : ''}`,
    price: (number % 1000) / 10,
    active: number % 2 === 0,
    made: '2024-02-03',
    seen: '2024-01-01T00:00:00.000Z',
    note: `a longer note for ${number}`,
  },
});

if (process.argv[2] === 'app') app();
else await main();

/** An app that shows its records page by page, in a process of its own; pages are made beforehand, as a cache would have them. */
function app() {
  let round = 0;
  const pages = new Map();
  const page = (from, limit) => {
    const key = `${round} ${from} ${limit}`;
    if (!pages.has(key)) {
      const to = Math.min(records, from + limit);
      const rows = Array.from({ length: to - from }, (_, n) => record(1 + from + n, round));
      const next = to < records ? { next: String(to) } : {};
      pages.set(key, JSON.stringify({ records: rows, total: records, now: '2026-01-02T00:00:00.000Z', ...next }));
    }
    return pages.get(key);
  };
  const type = {
    id: 'number',
    name: 'text',
    price: 'number',
    active: 'boolean',
    made: 'date',
    seen: 'datetime',
    note: 'text',
  };
  const columns = Object.entries(type).map(([id, kind]) => ({
    id,
    title: id,
    type: kind,
    writable: true,
    required: false,
  }));
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => {
      const url = new URL(request.url, 'http://app');
      response.setHeader('content-type', 'application/json');
      if (url.pathname === '/round') {
        round = Number(url.searchParams.get('is'));
        pages.clear();
        for (let from = 0; from < records; from += width) page(from, width);
        return response.end('{}');
      }
      if (url.pathname === '/v1/account') return response.end('{"id":"bench","title":"Bench"}');
      if (url.pathname === '/v1/tables')
        return response.end(JSON.stringify({ tables: [{ id: 'items', title: 'items', columns }] }));
      return response.end(page(Number(url.searchParams.get('cursor') ?? 0), Number(url.searchParams.get('limit'))));
    });
  });
  server.listen(0, '127.0.0.1', () => process.stdout.write(`${server.address().port}\n`));
}

async function main() {
  const columns = `id bigint primary key, name text not null, price numeric(10,2), active boolean, made date, seen timestamptz, note text`;
  const child = spawn(process.execPath, [script, 'app', ...process.argv.slice(2)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const base = `http://127.0.0.1:${String(await new Promise((resolve) => child.stdout.once('data', resolve))).trim()}`;
  try {
    await onServer((server) => measure(server, base, columns));
  } finally {
    child.kill();
  }
}

async function measure(server, base, columns) {
  const bare = await mapTable(server, { name: 'bare', table: 'bare', columns, direction: 'pull' });
  const root = await server.connect();
  const direct = await server.connect('tideway_daemon');
  await root.query(`create table app.items (${columns}); alter table app.items owner to bench_owner`);
  const names = ['id', 'name', 'price', 'active', 'made', 'seen', 'note'];
  const types = { price: 'number', active: 'boolean', made: 'date', seen: 'date-time', id: 'number' };
  await root.query(`insert into tideway.systems (system, title, settings_schema) values ('plain', 'Plain', '{}')`);
  await root.query(`select tideway.connect('bench', 'plain', $1, 'env:BENCH_TOKEN')`, [
    { base_url: base, records_per_page: width },
  ]);
  await root.query(
    `select tideway.map('items', 'bench', 'items', 'app.items', $1, direction => 'pull', options => '{"schedule": "manual", "sweep_schedule": "manual"}')`,
    [
      JSON.stringify(
        names.map((name) => ({ local: name, remote: name, ...(types[name] ? { type: types[name] } : {}) })),
      ),
    ],
  );
  await root.query(`select tideway.activate('items')`);
  const daemon = spawn(process.execPath, ['dist/src/cli/main.js', 'start'], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    env: {
      PATH: process.env.PATH,
      DATABASE_URL: server.url,
      TIDEWAY_EGRESS_ALLOW: '127.0.0.1',
      TIDEWAY_HTTP_PORT: '0',
      TIDEWAY_LOG_FORMAT: 'json',
      BENCH_TOKEN: 'x',
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  daemon.stderr.on('data', (chunk) => {
    if (/"level":(40|50)/.test(String(chunk))) process.stderr.write(chunk);
  });
  const pause = () => new Promise((resolve) => setTimeout(resolve, 20));
  const until = async (sql, values = []) => {
    for (;;) {
      const { rows } = await root.query(sql, values);
      if (rows.length > 0) return rows[0];
      await pause();
    }
  };
  await until(`select from tideway.mappings where name = 'items' and state = 'active'`);

  const ofRun = async () => {
    const { rows } = await root.query(`select tideway.sync_now('items', 'full') as run`);
    const { seconds, value } = await timed(() =>
      until(
        `select rows_processed::int as rows, status, timings from tideway.sync_runs where id = $1 and completed_at is not null`,
        [rows[0].run],
      ),
    );
    if (value.status !== 'completed' || value.rows !== records)
      throw new Error(`The run ended as ${JSON.stringify(value)}`);
    return { rate: records / seconds, timings: value.timings };
  };
  const ofSql = async (round) => {
    const { rows } = await root.query(
      `insert into tideway.sync_runs (org_id, connection_id, mapping_id, kind) select org_id, connection_id, id, 'full' from tideway.mappings where name = 'bare' returning id`,
    );
    let seconds = 0;
    for (let from = 0; from < records; from += width) {
      const lines = Array.from({ length: Math.min(width, records - from) }, (_, n) => {
        const { id, values } = record(1 + from + n, round);
        return JSON.stringify({
          id,
          fields: Object.fromEntries(
            Object.entries(values).map(([name, value]) => [name[0].toUpperCase() + name.slice(1), value]),
          ),
        });
      }).join('\n');
      seconds += (
        await timed(() =>
          direct.query(
            `select tideway_private.apply_page($1, $2, $3, a.asked, a.asked_at, $4) from tideway_private.ask_moment() a`,
            [bare.number, rows[0].id, bare.epoch, lines],
          ),
        )
      ).seconds;
    }
    await root.query(`update tideway.sync_runs set status = 'completed', completed_at = now() where id = $1`, [
      rows[0].id,
    ]);
    return records / seconds;
  };

  const found = {};
  for (let turn = 0; turn < rounds; turn += 1) {
    await root.query(`truncate app.items, app.bare; delete from tideway_private.links; truncate tideway_private.field_lineage, tideway_private.seen_ids;
                      delete from tideway_private.cursors`);
    await root.query('vacuum analyze tideway_private.links');
    for (const [what, round] of [
      ['first load', 2 * turn],
      ['unchanged', 2 * turn],
      ['10 % changed', 2 * turn + 1],
    ]) {
      await fetch(`${base}/round?is=${round}`);
      found[what] ??= { ours: [], bare: [] };
      const turns = [
        async () => found[what].ours.push(await ofRun()),
        async () => found[what].bare.push(await ofSql(round)),
      ];
      if (turn % 2 === 1) turns.reverse();
      for (const one of turns) await one();
      await root.query('vacuum analyze app.items; ');
      await root.query('vacuum analyze app.bare');
      await root.query('vacuum analyze tideway_private.links');
    }
  }
  const stopped = new Promise((resolve) => daemon.once('exit', resolve));
  daemon.kill('SIGTERM');
  await stopped;

  await report(quick ? 'inbound-quick' : 'inbound', server, {
    heads: [
      'from the app to committed rows',
      'x bare apply_page',
      'rows/s',
      'bare rows/s',
      'ms in fetch / convert / apply / wait',
    ],
    rows: ['first load', 'unchanged', '10 % changed'].map((what) => {
      const ours = median(found[what].ours.map(({ rate }) => rate));
      const theirs = median(found[what].bare);
      const { timings } = found[what].ours.at(-1);
      return [
        what,
        (ours / theirs).toFixed(2),
        Math.round(ours),
        Math.round(theirs),
        ['fetch', 'convert', 'apply', 'wait'].map((part) => timings[part] ?? 0).join(' / '),
      ];
    }),
    notes: [
      `${records.toLocaleString('en')} records of 7 fields over HTTP on pages of ${width.toLocaleString('en')}, a run of kind full with its confirmation of absences; ${rounds} round(s), medians. The yardstick is apply_page called with the same pages from one connection, without HTTP, cursors or a daemon, in turns.`,
    ],
  });
}
