import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { DASHBOARDS } from '../grafana/dashboards.ts';
import { migrateDatabase } from '../src/cli/migrate-database.ts';
import { currentMigrations } from '../src/cli/migrations.ts';
import { runDaemon } from '../src/daemon/run-daemon.ts';
import { readConfig } from '../src/runtime/config.ts';
import { createLog } from '../src/runtime/log.ts';
import { freePort } from '../test/support/free-port.ts';
import { askPanels } from './pictures/ask-panels.ts';
import { defineMappings, startApps, startLongRuns, TOKEN, work } from './pictures/demo-load.ts';
import { bundlePage, drawBoard, requireProgram, type Board } from './pictures/draw-board.ts';
import { withServer } from './with-server.ts';

const SECONDS = Number(process.env['PICTURES_SECONDS'] ?? 300);
const STEP = 5;
const PICTURES = 'docs/images';
const PROMETHEUS = '/usr/bin/prometheus';
const silent = (): void => undefined;

requireProgram(PROMETHEUS, 'prometheus');
requireProgram('/usr/bin/chromium', 'chromium');
bundlePage();

const stop = new AbortController();
const folder = mkdtempSync(join(tmpdir(), 'tideway-pictures-'));
const { shop, crm } = await startApps();
const boards = await withServer(async (url) => {
  const [door, metrics] = await Promise.all([freePort(), freePort()]);
  await migrateDatabase({ url, current: currentMigrations().length > 0, say: silent });
  const environment = {
    DATABASE_URL: url,
    PICTURES_TOKEN: TOKEN,
    TIDEWAY_SEAL_KEY: `pictures:${randomBytes(32).toString('base64')}`,
    TIDEWAY_EGRESS_ALLOW: [shop, crm].map((app) => new URL(app.url).host).join(','),
    TIDEWAY_HTTP_PORT: String(door),
    TIDEWAY_PUBLIC_URL: `http://127.0.0.1:${String(door)}`,
  };
  const log = createLog({ level: 'error', format: 'text' });
  const daemon = runDaemon({ url, config: readConfig(environment), environment, log, signal: stop.signal });
  const prometheus = startPrometheus(door, metrics);
  const [root, reader] = [new pg.Client(url), new pg.Client(url)];
  try {
    await Promise.all([root.connect(), reader.connect()]);
    const stage = { database: root, shop, crm, door: `http://127.0.0.1:${String(door)}` };
    await until(async () => (await root.query('select from tideway.systems')).rowCount !== 0);
    await defineMappings(stage);
    // As docs/dashboards.md says: a login that reads and nothing else.
    await root.query(`create role grafana in role tideway_reader`);
    await root.query(`insert into tideway.members (login, org_id) values ('grafana', tideway.current_org_id())`);
    console.log(`The load runs for ${String(SECONDS)} s.`);
    await Promise.race([work(stage, SECONDS), daemon]);
    await startLongRuns(stage);
    await sleep(8 * 1000);
    return await askAll(`http://127.0.0.1:${String(metrics)}`, reader);
  } finally {
    stop.abort();
    prometheus.kill('SIGTERM');
    await daemon.catch(silent);
    await Promise.all([root.end(), reader.end()]);
  }
}).finally(() => Promise.all([shop.stop(), crm.stop()]));
rmSync(folder, { recursive: true, force: true });
mkdirSync(PICTURES, { recursive: true });
for (const board of boards) {
  const picture = join(PICTURES, `${board.name}.png`);
  await drawBoard(board, picture);
  console.log(`${picture}: ${String(Math.round(statSync(picture).size / 1000))} kB`);
}

async function askAll(prometheus: string, database: pg.Client): Promise<Board[]> {
  await database.query(`set role grafana`);
  const to = Math.floor(Date.now() / 1000 / STEP) * STEP * 1000;
  const asked: Board[] = [];
  for (const [name, dashboard] of Object.entries(DASHBOARDS)) {
    const all: Record<string, string> = {
      connection: '.*',
      mapping: name === 'mapping' ? 'products' : '.*',
      table: 'public.products',
      key: '5',
    };
    // What SQL tells by the hour needs the hours that a dashboard shows by itself; the load is minutes old.
    const from = to - (name === 'sql-insight' ? 6 * 3600 : SECONDS) * 1000;
    const panels = await askPanels(dashboard, { prometheus, database, from, to, step: STEP, chosen: all });
    const choices = (dashboard.templating?.list ?? []).flatMap(({ name: variable }) => {
      const value = all[variable];
      return value === undefined ? [] : [[variable, value === '.*' ? 'All' : value] as const];
    });
    asked.push({ name, dashboard, panels, choices, from, to });
  }
  return asked;
}

function startPrometheus(door: number, port: number): ReturnType<typeof spawn> {
  const config = join(folder, 'prometheus.yaml');
  writeFileSync(
    config,
    JSON.stringify({
      global: { scrape_interval: `${String(STEP)}s`, evaluation_interval: `${String(STEP)}s` },
      rule_files: [resolve('grafana/alerts/tideway.yaml')],
      scrape_configs: [{ job_name: 'tideway', static_configs: [{ targets: [`127.0.0.1:${String(door)}`] }] }],
    }),
  );
  return spawn(
    PROMETHEUS,
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${String(port)}`,
      '--log.level=error',
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 60_000; !(await isSo()); await sleep(200)) {
    if (Date.now() > end) throw new Error('The daemon did not start within a minute.');
  }
}
