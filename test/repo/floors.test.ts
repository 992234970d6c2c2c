import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { expect, test } from 'vitest';

/** Ground floor first. A folder may import itself and the floors below it, nothing else. */
const floors = [
  ['model'],
  ['runtime'],
  ['sql', 'connectors'],
  ['follow', 'push', 'pull', 'subscribe', 'http'],
  ['daemon'],
  ['cli'],
];
const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
const partOf = (file: string) => file.split(sep)[0] ?? '';
const floorOf = (part: string) => floors.findIndex((floor) => floor.includes(part));
const imports = files.flatMap((file) =>
  [...readFileSync(join('src', file), 'utf8').matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map(
    ([, path = '']) => ({
      file,
      target: join(dirname(file), path),
    }),
  ),
);

test('every folder of src stands on a floor', () => {
  expect(files.map(partOf).filter((part) => floorOf(part) === -1)).toEqual([]);
});

test('every import in src points down a floor', () => {
  const climbing = imports.filter(({ file, target }) => {
    const [from, to] = [partOf(file), partOf(target)];
    return from !== to && floorOf(to) >= floorOf(from);
  });
  expect(climbing).toEqual([]);
});

test('no connector imports another', () => {
  const connector = (path: string) => /^connectors[/\\]([^/\\]+)[/\\]/.exec(path)?.[1];
  const crossing = imports.filter(({ file, target }) => {
    const [from, to] = [connector(file), connector(target)];
    return from !== undefined && to !== undefined && from !== to;
  });
  expect(crossing).toEqual([]);
});

test('imports lead to files that exist', () => {
  expect(imports.filter(({ target }) => !existsSync(join('src', target)))).toEqual([]);
});

test('only src/sql and src/follow talk to Postgres', () => {
  const drivers = files.filter((file) => /from '(pg|postgres)'/.test(readFileSync(join('src', file), 'utf8')));
  expect(drivers.map(partOf).filter((part) => !['sql', 'follow'].includes(part))).toEqual([]);
});
