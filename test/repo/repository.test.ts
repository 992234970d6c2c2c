import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { exampleEnvironment } from '../../src/runtime/config.ts';

const tracked = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { encoding: 'utf8' })
  .split('\n')
  .filter((file) => file !== '' && existsSync(file));
const textOf = (file: string) => readFileSync(file, 'utf8');

function codesIn(files: string[]): string[] {
  const texts = files
    .map(textOf)
    .flatMap((text) => [...text.matchAll(/'(TW[A-Z][A-Z0-9]{2})'/g)].map(([, code = '']) => code));
  return [...new Set(texts)].sort();
}

test('docs/errors.md lists exactly the codes that are raised', () => {
  const raised = codesIn(tracked.filter((file) => /^(src\/.*\.ts|db\/source\/.*\.sql|db\/.*\.mjs)$/.test(file)));
  const listed = [...textOf('docs/errors.md').matchAll(/^\| `(TW[A-Z0-9]{3})` \|/gm)]
    .map(([, code = '']) => code)
    .sort();
  expect(listed).toEqual(raised);
});

test('.env.example is what the configuration describes (npm run env:example)', () => {
  expect(textOf('.env.example')).toBe(exampleEnvironment());
});

test('names say what is inside', () => {
  const vague = /(^|\/)(utils?|helpers?|common|misc|lib|core|base|types|index)(\.[a-z.]+)?(\/|$)/;
  expect(tracked.filter((file) => /^(src|test|db|scripts|bench)\//.test(file) && vague.test(file))).toEqual([]);
});

test('no path of one machine is written down', () => {
  const home = /(?:^|[\s'"`(=])\/(?:home|Users|root|work)\/[a-z]/m;
  const texts = tracked.filter(
    (file) => /\.(ts|mjs|js|sql|md|json|ya?ml)$|^\.(gmrc|ci\/run)/.test(file) && file !== 'package-lock.json',
  );
  expect(texts.filter((file) => home.test(textOf(file)))).toEqual([]);
});

test('every package runs on Node 20', () => {
  const { dependencies, devDependencies } = JSON.parse(textOf('package.json')) as Record<
    string,
    Record<string, string>
  >;
  const newer = Object.keys({ ...dependencies, ...devDependencies }).filter((name) => {
    const { engines } = JSON.parse(textOf(`node_modules/${name}/package.json`)) as { engines?: { node?: string } };
    return engines?.node !== undefined && !/\*|(^|\D)(20|1\d|[4-9])(\.|\D|$)|>=? ?0/.test(engines.node);
  });
  expect(newer).toEqual([]);
});

test('db/source holds one object per file, in lower-case names', () => {
  const odd = tracked.filter(
    (file) =>
      file.startsWith('db/source/') &&
      !/^db\/source\/[a-z]+\/[a-z_0-9]+\.(function|view|trigger|policy|default|comment|grant)\.sql$/.test(file),
  );
  expect(odd).toEqual([]);
});

test('docs/decisions justifies every dependency', () => {
  const { dependencies, devDependencies } = JSON.parse(textOf('package.json')) as Record<
    string,
    Record<string, string>
  >;
  const decisions = tracked
    .filter((file) => file.startsWith('docs/decisions/'))
    .map(textOf)
    .join('\n');
  const obvious = (name: string) => name.startsWith('@types/') || name === '@eslint/js';
  expect(
    Object.keys({ ...dependencies, ...devDependencies }).filter(
      (name) => !obvious(name) && !decisions.includes(`\`${name}\``),
    ),
  ).toEqual([]);
});
