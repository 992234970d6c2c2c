// Where the daemon's processor time went: node bench/top-functions.mjs [profile…]; without one, the newest that BENCH_PROFILE=1 has left.
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = join(root, '.tideway', 'profiles');
const shown = 25;

const given = process.argv.slice(2);
const files = given.length > 0 ? given : newest();
if (files.length === 0) {
  console.error('There is no profile yet: BENCH_PROFILE=1 npm run bench -- outbound');
  process.exit(2);
}
for (const file of files) print(file);

function newest() {
  let names;
  try {
    names = readdirSync(folder);
  } catch {
    return [];
  }
  return names
    .filter((name) => name.endsWith('.cpuprofile'))
    .map((name) => join(folder, name))
    .toSorted((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)
    .slice(0, 1);
}

function print(file) {
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(file, 'utf8'));
  const callOf = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const times = new Map();
  let all = 0;
  let idle = 0;
  samples.forEach((id, n) => {
    const { functionName, url, lineNumber } = callOf.get(id);
    const micros = Math.max(0, timeDeltas[n]);
    all += micros;
    if (functionName === '(idle)') return (idle += micros);
    const place = url === '' ? '' : `${short(url)}:${lineNumber + 1}`;
    const key = `${functionName || '(anonymous)'}  ${place}`;
    times.set(key, (times.get(key) ?? 0) + micros);
  });
  const busy = all - idle;
  console.log(
    `${relative(process.cwd(), file)}: ${(all / 1e6).toFixed(1)} s, of which busy ${(busy / 1e6).toFixed(1)} s. Self time:`,
  );
  for (const [key, micros] of [...times].toSorted((a, b) => b[1] - a[1]).slice(0, shown))
    console.log(
      `${((micros / busy) * 100).toFixed(1).padStart(6)} %  ${(micros / 1000).toFixed(0).padStart(7)} ms  ${key}`,
    );
}

function short(url) {
  const path = url.startsWith('file:') ? fileURLToPath(url) : url;
  const at = path.lastIndexOf('node_modules/');
  return at >= 0 ? path.slice(at + 13) : path.startsWith('/') ? relative(root, path) : path;
}
