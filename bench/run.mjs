// npm run bench [-- name…] [--quick]
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stopLeftProcesses } from './processes.mjs';

/** Each with the minutes that its full form may take at most. */
const benches = {
  apply: 20,
  queue: 60,
  capture: 120,
  outbound: 60,
  inbound: 90,
  latency: 40,
  webhooks: 30,
  tables: 120,
  writes: 40,
  growth: 120,
  mappings: 60,
  apps: 60,
  http: 20,
  views: 60,
};
const quickMinutes = 4;

const args = process.argv.slice(2);
const quick = args.includes('--quick');
const flags = args.filter((arg) => arg.startsWith('--'));
const wanted = args.filter((arg) => !arg.startsWith('--'));
const known = [...Object.keys(benches), '--quick'];
const unknown = args.filter((arg) => !known.includes(arg));
if (unknown.length > 0) {
  console.error(`There is no bench or option ${unknown.join(', ')}. There are: ${known.join(', ')}.`);
  process.exit(2);
}
if (!existsSync(new URL('../dist/src/cli/main.js', import.meta.url))) {
  console.error('Build first: npm run build');
  process.exit(2);
}

const home = mkdtempSync(join(tmpdir(), 'tideway-bench-'));
chmodSync(home, 0o755);
const running = new Set();
let stopping = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    stopping = true;
    for (const child of running) child.kill('SIGTERM');
  });
}

const names = wanted.length > 0 ? wanted : Object.keys(benches);
const results = [];
const began = performance.now();
try {
  process.argv[1] = 'template';
  const { prepareTemplate } = await import('./harness.mjs');
  const template = join(home, 'template');
  await prepareTemplate(template);
  const waiting = names.values();
  const lane = async () => {
    for (const name of waiting) {
      if (stopping) break;
      const from = performance.now();
      const outcome = await runOne(name, template, quick ? quickMinutes : benches[name]);
      results.push({ name, outcome, seconds: Math.round((performance.now() - from) / 1000) });
    }
  };
  // The quick form measures nothing, so nothing is disturbed by what runs beside it.
  await Promise.all(Array.from({ length: quick ? 3 : 1 }, lane));
} finally {
  await stopLeftProcesses(home);
  rmSync(home, { recursive: true, force: true });
}

results.sort((one, other) => names.indexOf(one.name) - names.indexOf(other.name));
const report = results.map(({ name, outcome, seconds }) => `${name}: ${outcome}, ${seconds} s`).join('\n');
console.log(`${report}\n${Math.round((performance.now() - began) / 1000)} s in all`);
gather();
process.exit(stopping || results.some(({ outcome }) => outcome !== 'done') ? 1 : 0);

/** A bench is a process of its own: what one breaks does not reach the next. */
async function runOne(name, template, minutes) {
  const directory = join(home, name);
  mkdirSync(directory);
  const child = spawn(process.execPath, [fileURLToPath(new URL(`${name}.mjs`, import.meta.url)), ...flags], {
    stdio: 'inherit',
    env: { ...process.env, BENCH_DIRECTORY: directory, BENCH_TEMPLATE: template },
  });
  running.add(child);
  const exit = new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ?? code));
    child.once('error', (error) => resolve(error.message));
  });
  let late = false;
  const timers = [
    setTimeout(() => {
      late = true;
      child.kill('SIGTERM');
    }, minutes * 60_000),
    setTimeout(() => child.kill('SIGKILL'), minutes * 60_000 + 60_000),
  ];
  const code = await exit;
  running.delete(child);
  timers.forEach(clearTimeout);
  await stopLeftProcesses(directory);
  rmSync(directory, { recursive: true, force: true });
  return late ? `given up after ${minutes} minutes` : code === 0 ? 'done' : `failed (${code})`;
}

/** All tables of this run on one page. */
function gather() {
  const folder = new URL('results/', import.meta.url);
  const pages = results
    .filter(({ outcome }) => outcome === 'done')
    .map(({ name }) => readFileSync(new URL(`${name}${quick ? '-quick' : ''}.md`, folder), 'utf8'));
  if (pages.length > 0) writeFileSync(new URL(`all${quick ? '-quick' : ''}.md`, folder), pages.join('\n'));
}
