import { execFile, execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { scaffoldConnector } from '../../scripts/scaffold-connector.ts';
import { fencedBlocks } from '../support/fenced-blocks.ts';

const run = promisify(execFile);
const PAGE = 'docs/add-a-connector.md';
const copy = mkdtempSync(join(tmpdir(), 'tideway-connector-'));

const inCopy = async (command: string): Promise<string> => {
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: process.env['HOME'] ?? '',
    TIDEWAY_TEST_DATABASE_URL: inject('serverUrl'),
  };
  try {
    return (await run('bash', ['-c', command], { cwd: copy, env, maxBuffer: 16 * 1024 * 1024 })).stdout;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`${command}\n${stdout.slice(-4000)}\n${stderr.slice(-1000)}`, { cause: error });
  }
};

beforeAll(() => {
  const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { encoding: 'utf8' });
  for (const file of files.split('\n').filter((path) => path !== '' && existsSync(path)))
    cpSync(file, join(copy, file));
  symlinkSync(resolve('node_modules'), join(copy, 'node_modules'));
});
afterAll(() => {
  rmSync(copy, { recursive: true, force: true });
});

test(
  'the commands of the page make a connector that passes the contract suite as it is',
  { timeout: 240_000 },
  async () => {
    const commands = fencedBlocks(readFileSync(PAGE, 'utf8'), 'bash').flatMap((block) => block.split('\n'));
    expect(commands).toHaveLength(2);
    const answers: string[] = [];
    for (const command of commands) answers.push(await inCopy(command));
    const named = fileNames(readFileSync(PAGE, 'utf8'));
    expect(
      answers[0]
        ?.split('\n')
        .filter((line) => line.includes('/') && !line.includes(' '))
        .sort(),
    ).toEqual(named.sort());
    expect(answers[1]).toMatch(/\b\d\d passed/);
    expect(answers[1]).toContain('0 failed, 0 skipped');
  },
);

test('the page that it makes for users runs, and explains every setting', async () => {
  const answer = await inCopy('npx vitest run --project sql test/sql/system-pages.test.ts -t acme');
  expect(answer).toContain('2 passed, 0 failed');
});

test('it is typed, formatted and linted', { timeout: 240_000 }, async () => {
  const config = {
    extends: './tsconfig.json',
    include: ['src/connectors/registry.ts', 'test/connectors/acme.test.ts'],
  };
  writeFileSync(join(copy, 'tsconfig.acme.json'), JSON.stringify(config));
  await inCopy('npx tsc --noEmit -p tsconfig.acme.json');
  await inCopy('npx prettier --check src/connectors test/apps/acme test/connectors/acme.test.ts docs/systems/acme.md');
  await inCopy('npx eslint src/connectors/acme src/connectors/registry.ts test/apps/acme test/connectors/acme.test.ts');
});

test('a name that is taken or is none changes nothing', () => {
  const registry = readFileSync('src/connectors/registry.ts', 'utf8');
  expect(() => scaffoldConnector('.', 'airtable')).toThrow(
    'There is a file src/connectors/airtable/settings.ts already.',
  );
  expect(() => scaffoldConnector('.', 'Two Words')).toThrow('is no name for a connector');
  expect(readFileSync('src/connectors/registry.ts', 'utf8')).toBe(registry);
});

/** The files that the table of the page lists. */
function fileNames(page: string): string[] {
  return [...page.matchAll(/^\| `([^`]+\.(?:ts|md))` +\|/gm)].map(([, file = '']) => file);
}
