// apply_page against static hand-written SQL (static-apply.sql), page by page in turns; see README.md.
import { readFileSync } from 'node:fs';
import { bench, mapTable, median, quick, rounds, timed } from './harness.mjs';

const [pages, width] = quick ? [2, 2_000] : [5, 10_000];

const columns = `id bigint primary key, name text not null, price numeric(10,2), active boolean, made date, seen timestamptz, tags text[], note text`;

/** The records of one page, one JSON object a line; every tenth differs by its round. */
function page(number, round) {
  return Array.from({ length: width }, (_, n) => {
    const i = 1_000_001 + number * width + n;
    return JSON.stringify({
      id: `rec${i}`,
      fields: {
        Id: i,
        Name: `name ${i}${n % 10 === 0 ? ` of round ${round}` : ''}`,
        Price: (i % 1000) / 10,
        Active: i % 2 === 0,
        Made: '2024-02-03',
        Seen: '2024-01-01T00:00:00+00:00',
        Tags: ['x'],
        Note: `a longer note for ${i}`,
        Extra1: 'zzzz',
        Extra2: i,
      },
    });
  }).join('\n');
}

await bench(async (server) => {
  const map = await mapTable(server, { name: 'items', table: 'items', columns, direction: 'both' });
  const root = await server.connect();
  await root.query(readFileSync(new URL('static-apply.sql', import.meta.url), 'utf8'));
  const ours = await server.connect('tideway_daemon');
  const theirs = await server.connect();
  // Counted in WAL bytes: what an unchanged record writes to tables and links.
  const wal = async () => BigInt((await root.query(`select pg_current_wal_insert_lsn() - '0/0' as at`)).rows[0].at);
  const seconds = {};
  const add = (what, who, value) => ((seconds[what] ??= { ours: [], theirs: [] })[who] ??= []).push(value);
  let unchangedWal = 0n;

  const applyOurs = async (run, records) => {
    const { seconds: took, value } = await timed(async () => {
      const { rows } = await ours.query(
        `select tideway_private.apply_page($1, $2, $3, a.asked, a.asked_at, $4) as result from tideway_private.ask_moment() a`,
        [map.number, run, map.epoch, records],
      );
      return rows[0].result;
    });
    return { took, value };
  };
  const applyTheirs = async (records) => {
    const { seconds: took, value } = await timed(
      async () => (await theirs.query('select app.apply_static($1) as result', [records])).rows[0].result,
    );
    return { took, value };
  };
  const expect = (result, counts, who) => {
    for (const [name, count] of Object.entries(counts))
      if (result[name] !== count)
        throw new Error(`${who}: ${name} is ${result[name]}, not ${count}: ${JSON.stringify(result)}`);
  };

  for (let round = 0; round < rounds; round += 1) {
    await root.query(
      `truncate app.items, app.items_static, app.links_static, app.lineage_static; delete from tideway_private.links; truncate tideway_private.field_lineage`,
    );
    await root.query('vacuum tideway_private.links; ').catch(() => {});
    const {
      rows: [{ id: run }],
    } = await root.query(
      `insert into tideway.sync_runs (org_id, connection_id, mapping_id, kind) select org_id, connection_id, id, 'pull' from tideway.mappings where number = $1 returning id`,
      [map.number],
    );
    for (const [what, text, counts] of [
      ['first load', 0, { created: width, updated: 0 }],
      ['unchanged', 0, { created: 0, updated: 0 }],
      ['10 % changed', 1, { created: 0, updated: width / 10 }],
    ]) {
      for (let n = 0; n < pages; n += 1) {
        const records = page(n, text);
        const turns = [
          async () => {
            const before = what === 'unchanged' ? await wal() : 0n;
            const { took, value } = await applyOurs(run, records);
            if (what === 'unchanged') unchangedWal = (await wal()) - before;
            expect(value, counts, 'apply_page');
            add(what, 'ours', took);
          },
          async () => {
            const { took, value } = await applyTheirs(records);
            expect(value, counts, 'static');
            add(what, 'theirs', took);
          },
        ];
        // Who goes first takes turns too: the second finds warmer files.
        if ((round + n) % 2 === 1) turns.reverse();
        for (const turn of turns) await turn();
      }
      // A first load leaves pages without hints; what cleans up must not fall into somebody's turn.
      await root.query('vacuum analyze app.items');
      await root.query('vacuum analyze app.items_static');
      await root.query('vacuum analyze app.links_static');
      await root.query('vacuum analyze tideway_private.links');
    }
  }

  const rate = (values) => Math.round(width / median(values));
  return {
    heads: ['apply_page', 'x static (goal 0.8)', 'rows/s', 'static rows/s', 'spread of the ratio'],
    rows: Object.entries(seconds).map(([what, { ours, theirs }]) => {
      const ratios = ours.map((value, n) => theirs[n] / value);
      return [
        what,
        (rate(ours) / rate(theirs)).toFixed(2),
        rate(ours),
        rate(theirs),
        `${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)}`,
      ];
    }),
    notes: [
      `${pages} pages of ${width} records, 10 source fields, 8 columns, validation, links and lineage; ${rounds} rounds, medians over pages; from the client, so sending the page and committing count.`,
      `WAL of one unchanged page of ${width} records: ${unchangedWal} bytes (counts of the run, lease and re-read list; no row, no link).`,
    ],
    raw: seconds,
  };
});
