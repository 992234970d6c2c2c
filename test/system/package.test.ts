import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { useDatabase } from '../support/database.ts';
import { dropSlot } from '../support/drop-slot.ts';

const reachable = spawnSync('npm', ['ping'], { timeout: 20_000, stdio: 'ignore' }).status === 0;
if (!reachable) console.log('Skipped: installing the package; the npm registry does not answer from here.');

/** Root does what an ordinary user would: the account "nobody" in a folder of its own. */
const account = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
const root = mkdtempSync(join(tmpdir(), 'tideway-package-'));
const folder = join(root, 'empty');

function run(command: string, args: readonly string[], env: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync(command, args, {
    ...account,
    cwd: folder,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], HOME: folder, npm_config_update_notifier: 'false', ...env },
  });
  return { status, stdout, stderr };
}

describe.runIf(reachable)('the package in an empty folder of an ordinary user', () => {
  const { url, pool, name } = useDatabase();

  beforeAll(() => {
    chmodSync(root, 0o755);
    mkdirSync(folder);
    execFileSync('npm', ['pack', '--ignore-scripts', '--pack-destination', root], { stdio: 'pipe' });
    // With the cache of whoever builds; what belongs to others is only read.
    execFileSync('npm', ['init', '-y'], { cwd: folder, stdio: 'pipe' });
    execFileSync('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', tarball()], {
      cwd: folder,
      stdio: 'pipe',
    });
    if (account.uid !== undefined) chownSync(folder, account.uid, account.gid);
  }, 240_000);
  afterAll(async () => {
    await dropSlot(pool, name);
    rmSync(root, { recursive: true, force: true });
  });

  function tarball(): string {
    return join(root, readdirSync(root).find((file) => file.endsWith('.tgz')) ?? '');
  }

  test('is small, and holds what it is run, looked at and deployed with', () => {
    expect(statSync(tarball()).size).toBeLessThan(2 * 1024 * 1024);
    const files = execFileSync('tar', ['--list', '--file', tarball()], { encoding: 'utf8' }).split('\n');
    for (const file of [
      'dist/src/cli/main.js',
      'dist/test/apps/plain/plain-app.js',
      'db/migrations/committed/000001-first-schema.sql',
      'db/apply-source.mjs',
      'grafana/dashboards/overview.json',
      'deploy/compose.yaml',
      'deploy/systemd/tideway.service',
      'docs/runbook.md',
      'CHANGELOG.md',
      'LICENSE',
    ]) {
      expect(files).toContain(`package/${file}`);
    }
    expect(files.filter((file) => /\.map$|\.test\.|^package\/(src|test|node_modules)\//.test(file))).toEqual([]);
  });

  test('runs the demo and the doctor', () => {
    const demo = run('npx', ['tideway', 'demo', '--once'], { TIDEWAY_EMBEDDED_PORT: '0' });
    expect(demo).toMatchObject({ status: 0, stderr: '' });
    expect(demo.stdout).toContain('The table has the row now.');
    const doctor = run('npx', ['tideway', 'doctor'], { DATABASE_URL: url });
    expect(doctor).toMatchObject({ status: 0, stderr: '' });
    expect(doctor.stdout).toMatch(/^ok +schema version: /m);
  });

  test('is embedded by startDaemon, with its types', () => {
    writeFileSync(
      join(folder, 'embed.mts'),
      `import { startDaemon, type Daemon } from 'tideway';
const daemon: Daemon = await startDaemon({ DATABASE_URL: process.env['URL'] ?? '', TIDEWAY_SLOT: '${name}', TIDEWAY_HTTP_PORT: '0', TIDEWAY_LOG_LEVEL: 'warn' });
console.log((await fetch(new URL('/healthz', daemon.url))).status);
await daemon.stop();
`,
    );
    const flags = ['--module', 'nodenext', '--target', 'es2022', '--strict', '--types', 'node', '--typeRoots'];
    const types = resolve('node_modules/@types');
    const compiled = run(process.execPath, [resolve('node_modules/typescript/bin/tsc'), 'embed.mts', ...flags, types]);
    expect(compiled).toMatchObject({ status: 0, stdout: '' });
    expect(run(process.execPath, ['embed.mjs'], { URL: url })).toEqual({ status: 0, stdout: '200\n', stderr: '' });
    const wrong = run(process.execPath, [
      '-e',
      `import('tideway').then(({ startDaemon }) => startDaemon({ TIDEWAY_SLOTT: 'x' })).catch((e) => console.log(e.message))`,
    ]);
    expect(wrong.stdout).toContain('did you mean TIDEWAY_SLOT?');
  });

  test('the bill of materials names what is installed and nothing of development', () => {
    const bill = JSON.parse(execFileSync('npm', ['run', '--silent', 'sbom'], { encoding: 'utf8' })) as {
      readonly components: readonly { readonly name: string }[];
    };
    const names = bill.components.map((component) => component.name);
    expect(names).toEqual(expect.arrayContaining(['pg', 'fastify', 'undici']));
    expect(names).not.toContain('vitest');
  });
});
