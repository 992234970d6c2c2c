import { createHash } from 'node:crypto';
import { packageVersion } from '../runtime/package-root.ts';
import { committedMigrations, currentMigrations, sourceFiles } from './migrations.ts';
import type { Migration } from './migrations.ts';

/** All of Tideway as plain SQL, for a migration chain of one's own. */
export function printSql(current: boolean): string {
  const migrations = [...committedMigrations(), ...(current ? currentMigrations() : [])];
  const files = sourceFiles();
  const hash = createHash('sha256');
  for (const { filename, text } of files) hash.update(`db/source/${filename}\0${text}\0`);
  return [
    `-- Tideway ${packageVersion}: run as a role that may create roles and schemas.`,
    'begin;',
    ...migrations.map(({ filename, text }) => `-- ${filename}\n${text}`),
    'set local role tideway_owner;',
    'set local check_function_bodies = off;',
    ...inWorkingOrder(files).map(({ text }) => text),
    'select mapping, problem from tideway_private.recompile();',
    `insert into tideway_private.release (version, source_hash, migration)
values (${[packageVersion, hash.digest('hex').slice(0, 16), migrations.at(-1)?.filename ?? ''].map(literal).join(', ')});`,
    'commit;',
    '',
  ].join('\n\n');
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** What a block in a file of a later kind names is there already. */
const kinds = ['function', 'view', 'default', 'trigger', 'policy', 'comment', 'grant'];

/** A file comes after those whose objects it names outside quoted bodies, which are not checked here. */
function inWorkingOrder(files: Migration[]): Migration[] {
  const parts = files.map((file) => {
    const bare = file.text
      .replaceAll(/(\$[a-z_]*\$)[\s\S]*?\1/gi, ' ')
      .replaceAll(/'(?:[^']|'')*'/g, ' ')
      .replaceAll(/--.*$/gm, ' ');
    const defines = [
      ...bare.matchAll(/create (?:or replace )?(?:function|procedure|aggregate|view)\s+([a-z_]+\.\w+)/gi),
    ];
    const names = [...bare.matchAll(/\b(tideway(?:_private)?\.\w+)/gi)];
    return { file, defines: defines.map(([, name]) => name), names: new Set(names.map(([, name]) => name)) };
  });
  const sorted: Migration[] = [];
  const visited = new Set<Migration>();
  const visit = (part: (typeof parts)[number]) => {
    if (visited.has(part.file)) return;
    visited.add(part.file);
    for (const other of parts) if (other.defines.some((name) => part.names.has(name))) visit(other);
    sorted.push(part.file);
  };
  const rank = ({ file }: (typeof parts)[number]) => kinds.findIndex((kind) => file.filename.endsWith(`.${kind}.sql`));
  for (const part of [...parts].sort((a, b) => rank(a) - rank(b))) visit(part);
  return sorted;
}
