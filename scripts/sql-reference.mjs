// @ts-check
// Writes docs/sql-reference.md from the comments in the catalogue: node scripts/sql-reference.mjs [--check]
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { format, resolveConfig } from 'prettier';

const page = fileURLToPath(new URL('../docs/sql-reference.md', import.meta.url));

const url = process.env.DATABASE_URL;
if (!url) stop('Set DATABASE_URL to a database that was migrated to this release.');
const client = new pg.Client({ connectionString: url, application_name: 'tideway/reference' });
await client.connect();
const text = await reference(client).finally(() => client.end());
if (!process.argv.includes('--check')) writeFileSync(page, text);
else if (readFileSync(page, 'utf8') !== text)
  stop('docs/sql-reference.md is not what the catalogue says. Write it again: node scripts/sql-reference.mjs');

/** @param {pg.Client} db */
async function reference(db) {
  const { rows: functions } = await db.query(`
    select p.proname as name, pg_get_function_arguments(p.oid) as arguments, pg_get_function_result(p.oid) as result,
           obj_description(p.oid, 'pg_proc') as comment
      from pg_proc p
     where p.pronamespace = 'tideway'::regnamespace and p.prorettype <> 'trigger'::regtype
     order by p.proname collate "C", pg_get_function_arguments(p.oid) collate "C"`);
  const { rows: relations } = await db.query(`
    select c.relname as name, c.relkind = 'v' as is_view, obj_description(c.oid, 'pg_class') as comment,
           (select json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
                                              'comment', col_description(c.oid, a.attnum)) order by a.attnum)
              from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns
      from pg_class c
     where c.relnamespace = 'tideway'::regnamespace and c.relkind in ('r', 'p', 'v') and not c.relispartition
     order by c.relname collate "C"`);

  const part = (/** @type {string} */ title, /** @type {{ is_view: boolean }[]} */ of) => [
    `## ${title}`,
    ...of.map(relation),
  ];
  const markdown = [
    '# SQL reference',
    'Everything in schema `tideway`, from the comments in the database; psql shows the same with `\\d+` and `\\df+`.',
    '## Functions',
    ...functions.map((f) =>
      [`### ${f.name}`, fenced(`${f.name}(${f.arguments}) → ${f.result}`), comment(f.comment)].join('\n\n'),
    ),
    ...part(
      'Views',
      relations.filter(({ is_view }) => is_view),
    ),
    ...part(
      'Tables',
      relations.filter(({ is_view }) => !is_view),
    ),
  ].join('\n\n');
  return format(markdown, { ...(await resolveConfig(page)), parser: 'markdown' });
}

/** @param {any} relation */
function relation({ name, comment: text, columns }) {
  const rows = columns.map(
    (/** @type {any} */ c) => `| \`${c.name}\` | ${c.type} | ${(c.comment ?? '').replaceAll('|', '\\|')} |`,
  );
  return [`### ${name}`, comment(text), ['| column | type | |', '| --- | --- | --- |', ...rows].join('\n')].join(
    '\n\n',
  );
}

/** An indented statement in a comment is one to paste. @param {string | null} text */
function comment(text) {
  return (text ?? '')
    .split('\n\n')
    .map((paragraph) => (/^ {2}/.test(paragraph) ? fenced(paragraph.replace(/^ {2}/gm, '')) : paragraph))
    .join('\n\n');
}

/** @param {string} sql */
function fenced(sql) {
  return `\`\`\`sql\n${sql}\n\`\`\``;
}

/** @param {string} message @returns {never} */
function stop(message) {
  console.error(message);
  process.exit(1);
}
