/** Stops `npm publish` where a package would be made that cannot be upgraded from, or that nobody announced. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
const current = 'db/migrations/current';
const written = (existsSync(current) ? readdirSync(current) : []).filter(
  (name) => name.endsWith('.sql') && readFileSync(`${current}/${name}`, 'utf8').replaceAll(/--.*$/gm, '').trim() !== '',
);

const missing = [
  ...(written.length > 0 ? [`${current} holds ${written.join(', ')}; run: npm run db:commit -- -m "two words"`] : []),
  ...(readFileSync('CHANGELOG.md', 'utf8').includes(`\n## ${version} `)
    ? []
    : [`CHANGELOG.md has no heading "## ${version} - <date>"`]),
];
for (const one of missing) console.error(`Not ready to publish: ${one}`);
process.exitCode = missing.length > 0 ? 1 : 0;
