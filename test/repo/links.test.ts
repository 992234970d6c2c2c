import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, normalize } from 'node:path';
import { expect, test } from 'vitest';

const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { encoding: 'utf8' });
const files = listed.split('\n').filter((file) => file !== '' && existsSync(file));
const pages = files.filter((file) => file.endsWith('.md'));

/** The prose of a page: what stands in code is no link and no heading. */
const proseOf = (page: string) =>
  readFileSync(page, 'utf8')
    .replace(/^```[^]*?^```$/gm, '')
    .replace(/`[^`\n]*`/g, (code) => code.replace(/[[\]()]/g, ''));

/** The anchors of a page, as GitHub makes them of its headings. */
function anchorsOf(page: string): Set<string> {
  const seen = new Map<string, number>();
  const anchors = new Set<string>();
  for (const [, heading = ''] of proseOf(page).matchAll(/^#{1,6} (.+)$/gm)) {
    const text = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const anchor = text
      .replace(/[^\p{L}\p{N}_\- ]/gu, '')
      .trim()
      .replaceAll(' ', '-');
    const before = seen.get(anchor) ?? 0;
    seen.set(anchor, before + 1);
    anchors.add(before === 0 ? anchor : `${anchor}-${String(before)}`);
  }
  return anchors;
}

const linksOf = (page: string) => [...proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);

test.each(pages)('every link of %s leads somewhere', (page) => {
  const broken = linksOf(page).filter((target) => {
    if (/^https:\/\//.test(target)) return false;
    const [path = '', anchor] = target.split('#');
    const file = path === '' ? page : normalize(`${dirname(page)}/${path}`);
    if (!existsSync(file)) return true;
    if (anchor === undefined) return false;
    return statSync(file).isDirectory() || !file.endsWith('.md') || !anchorsOf(file).has(anchor);
  });
  expect(broken).toEqual([]);
});

test('every page of docs can be reached from the README', () => {
  const reached = new Set<string>(['README.md']);
  for (const page of reached) {
    for (const target of linksOf(page)) {
      const file = normalize(`${dirname(page)}/${target.split('#')[0] ?? ''}`);
      if (/^https?:/.test(target) || !existsSync(file)) continue;
      if (file.endsWith('.md')) reached.add(file);
      // A link to a folder shows what is in it.
      else if (statSync(file).isDirectory()) {
        for (const other of pages.filter((one) => dirname(one) === file.replace(/\/$/, ''))) reached.add(other);
      }
    }
  }
  expect(pages.filter((page) => page.startsWith('docs/') && !reached.has(page))).toEqual([]);
});

test('every page with SQL has a test that runs it', () => {
  const tests = files
    .filter((file) => /^test\/.*\.test\.ts$/.test(file))
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n');
  const untested = pages
    .filter((page) => /^```sql$/m.test(readFileSync(page, 'utf8')))
    .filter((page) => !tests.includes(page) && !tests.includes(`readdirSync('${dirname(page)}')`));
  expect(untested.filter((page) => page !== 'docs/sql-reference.md')).toEqual([]);
});
