import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { parseArgs } from 'node:util';

const FOLDER = '.tideway/soak';
const CODES = { passed: 0, failed: 1, unknown: 2 } as const;

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, seed: { type: 'string', default: 'random' } },
});
const { minutes, seed } = values;
if (!(Number(minutes) > 0) || (seed !== 'random' && !Number.isInteger(Number(seed)))) {
  console.error('Usage: npm run test:soak -- [--minutes 10] [--seed 4711]');
  process.exitCode = CODES.unknown;
} else {
  rmSync(FOLDER, { recursive: true, force: true });
  const { status } = spawnSync('npx', ['vitest', 'run', '--config', 'vitest.soak.config.ts'], {
    env: { ...process.env, TIDEWAY_TEST_MINUTES: minutes, TIDEWAY_TEST_SEED: seed },
    stdio: 'inherit',
  });
  if (existsSync(`${FOLDER}/report.json`)) {
    const { verdict } = JSON.parse(readFileSync(`${FOLDER}/report.json`, 'utf8')) as { verdict: keyof typeof CODES };
    console.log(readFileSync(`${FOLDER}/report.txt`, 'utf8'));
    // It may have left something behind after it was judged.
    process.exitCode = verdict === 'passed' && status !== 0 ? CODES.failed : CODES[verdict];
  } else {
    console.error('The soak broke off before it could be judged.');
    process.exitCode = CODES.failed;
  }
}
