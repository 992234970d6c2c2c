import { beforeAll, expect, test } from 'vitest';
import { useDatabase } from '../../support/database.ts';
import { type Engine, type Json, useEngine } from '../../support/engine.ts';
import { fc } from '../../support/seed.ts';
import { type Field, threeWayMerge, type Value } from '../../unit/model/three-way-merge.ts';

const database = useDatabase();
let engine: Engine;
beforeAll(async () => {
  engine = await useEngine(database);
});

/** Each column of the mapping is one way of deciding; a record carries a random state of each. */
const ways = [
  { local: 'usual', direction: 'both', authority: null, policy: null },
  { local: 'pulled', direction: 'pull', authority: null, policy: null },
  { local: 'pushed', direction: 'push', authority: null, policy: null },
  { local: 'remote_wins', direction: 'both', authority: null, policy: 'remote' },
  { local: 'local_wins', direction: 'both', authority: null, policy: 'local' },
  { local: 'asked', direction: 'both', authority: null, policy: 'manual' },
  { local: 'truth', direction: 'both', authority: 'source_of_truth', policy: null },
  { local: 'reference', direction: 'both', authority: 'reference', policy: null },
  { local: 'newest', direction: 'both', authority: null, policy: 'newest' },
] as const;

const value = fc.constantFrom(null, 1, 2, 3);
const fieldState = fc.record({
  record: fc.option(value, { nil: undefined }),
  local: value,
  linked: fc.boolean(),
  localImage: value,
  remoteImage: value,
  sentHere: fc.boolean(),
  sentValue: fc.constantFrom(1, 2, 3),
  older: fc.subarray([1, 2, 3]),
});
const recordState = fc.record({
  fields: fc.array(fieldState, { minLength: ways.length, maxLength: ways.length }),
  sent: fc.boolean(),
  settles: fc.boolean(),
  answered: fc.boolean(),
  resent: fc.boolean(),
  compares: fc.boolean(),
  recordTime: fc.option(fc.constantFrom(1, 3), { nil: null }),
});
type State = typeof recordState extends fc.Arbitrary<infer Made> ? Made : never;

interface Row {
  ord: number;
  writes: Record<string, Json> | null;
  local_set: Record<string, Json> | null;
  remote_set: Record<string, Json> | null;
  conflicts: { column: string; resolution: string | null }[] | null;
  waits: boolean;
  resend: string[] | null;
}

const isFirst = (state: State['fields'][number]) => !state.linked;
const at = (day: number) => `2026-01-0${String(day)}T00:00:00+00:00`;

/** Whether the next claim would send the row's value: it is neither what both sides agreed on nor what the app shows. */
const sends = (way: (typeof ways)[number], localImage: unknown, remoteImage: unknown, now: unknown): boolean =>
  way.direction !== 'pull' && way.authority === null && (localImage ?? null) !== now && remoteImage !== now;

/** The words of the design for one field, or null where they leave it open. */
function asked(record: State, n: number): Field | null {
  const way = ways[n];
  const state = record.fields[n];
  if (!way || !state || state.record === undefined) return null;
  if (way.authority === 'reference' && isFirst(state)) return null;
  const sent = record.sent && state.sentHere && way.direction !== 'pull';
  return {
    record: state.record,
    local: state.local,
    remoteImage: state.linked ? state.remoteImage : undefined,
    localImage: state.linked ? state.localImage : undefined,
    direction: way.direction,
    authority: way.authority,
    policy: way.policy,
    sent: sent
      ? {
          value: state.sentValue,
          // A record that we made showed nothing before.
          before: [...new Set<Value>([...(state.linked ? [state.remoteImage] : []), ...state.older])].filter(
            (v) => v !== state.sentValue,
          ),
          answered: record.answered,
          resent: record.resent,
          settles: record.settles,
        }
      : null,
    newLink: false,
    compares: record.compares,
    force: false,
    localTime: 2,
    recordTime: record.recordTime,
  };
}

test('thousands of random states are merged as the model in TypeScript merges them', { timeout: 120_000 }, async () => {
  const map = await engine.aMapping({
    table: `id integer primary key, ${ways.map((way) => `${way.local} integer`).join(', ')}, at timestamptz`,
    columns: [
      'id',
      ...ways.map((way) => ({
        local: way.local,
        remote: way.local,
        direction: way.direction,
        ...(way.authority ? { authority: way.authority } : {}),
        ...(way.policy ? { conflict: way.policy === 'newest' ? 'newest:at' : way.policy } : {}),
      })),
      { local: 'at', type: 'date-time' },
    ],
  });

  const merge = async (records: State[]): Promise<Map<number, Row>> => {
    const links = records.map((record, index) => {
      const named = (pick: (state: State['fields'][number], n: number) => Json | undefined) =>
        Object.fromEntries(
          ways.flatMap((way, n) => {
            const picked = record.fields[n] === undefined ? undefined : pick(record.fields[n], n);
            return picked === undefined ? [] : [[way.local, picked]];
          }),
        );
      const sending = (n: number) => asked(record, n)?.sent ?? null;
      const vals = named((state) => state.record);
      return {
        ord: index + 1,
        local_image: named((state) => (state.linked ? state.localImage : undefined)),
        remote_diff: named((state) =>
          state.linked && state.remoteImage !== state.localImage ? state.remoteImage : undefined,
        ),
        sent: named((_, n) => (sending(n) ? (sending(n)?.value as Json) : undefined)),
        before: named((_, n) => (sending(n) ? ([...(sending(n)?.before ?? [])] as Json) : undefined)),
        vals,
        row: { ...named((state) => state.local), '@at': at(2) },
        settles: record.settles,
        answered: record.answered,
        resent: record.resent ? 2 : 0,
        compares: record.compares,
        modified: record.recordTime === null ? null : at(record.recordTime),
      };
    });
    await engine.daemon.query('begin');
    try {
      const rows = await engine.all<Row>(
        `with given as (
           select * from jsonb_to_recordset($2) as g (ord integer, local_image jsonb, remote_diff jsonb, sent jsonb, before jsonb, vals jsonb, "row" jsonb,
             settles boolean, answered boolean, resent smallint, compares boolean, modified timestamptz)
         ), made as (
           insert into tideway_private.links (mapping, org_id, local_key, remote_id, lane, local_image, remote_diff, sent, sent_local, sent_before, sent_op, answered_at, resent)
           select $1, 'default', 'k' || ord, 'x' || ord, 0, local_image, remote_diff, nullif(sent, '{}'), nullif(sent, '{}'), before,
                  case when sent <> '{}' then 'update' end, case when answered then 1 end, resent
             from given returning id, local_key
         )
         select g.*, m.id as link from given g join made m on m.local_key = 'k' || g.ord order by g.ord`,
        [map.number, JSON.stringify(links)],
      );
      const merged = await engine.all<Row>(
        `select r.ord, r.writes, r.local_set, r.remote_set, r.conflicts, r.waits, r.resend
           from tideway.mappings m,
                lateral (select array_agg(ord) as ords, array_agg(vals) as vals, array_agg("row") as rows, array_agg(link) as links,
                                array_agg(settles) as settles, array_agg(compares) as compares, array_agg(modified) as modified, array_agg(null::jsonb) as covered
                           from jsonb_to_recordset($2) as g (ord integer, vals jsonb, "row" jsonb, link bigint, settles boolean, compares boolean, modified timestamptz)) g,
                lateral tideway_private.merge_records(m, g.ords, g.vals, g.vals, g.rows, g.links, g.settles, g.compares, g.modified, g.covered, false, 1000000) r
          where m.number = $1`,
        [map.number, JSON.stringify(rows)],
      );
      return new Map(merged.map((row) => [row.ord, row]));
    } finally {
      await engine.daemon.query('rollback');
    }
  };

  await fc.assert(
    fc.asyncProperty(fc.array(recordState, { minLength: 200, maxLength: 300 }), async (records) => {
      const merged = await merge(records);
      records.forEach((record, index) => {
        const row = merged.get(index + 1);
        ways.forEach((way, n) => {
          const field = asked(record, n);
          if (field === null) return;
          // A sweep repairs what only the app may change; the model leaves that to the source of truth.
          if (record.compares && way.direction === 'pull') return;
          const model = threeWayMerge(field);
          const open = model.conflict !== null && model.conflict.resolution === null;
          const written = row?.writes && way.local in row.writes ? row.writes[way.local] : undefined;
          const after = written === undefined ? field.local : written;
          const local = row?.local_set && way.local in row.local_set ? row.local_set[way.local] : field.localImage;
          const remote = row?.remote_set && way.local in row.remote_set ? row.remote_set[way.local] : field.remoteImage;
          const conflict = row?.conflicts?.find((found) => found.column === way.local);
          const state = JSON.stringify({ way, field, row }, null, 1);
          expect(
            {
              after,
              conflict: conflict === undefined ? 'none' : (conflict.resolution ?? 'open'),
              resend: row?.resend?.includes(way.local) ?? false,
              // An open conflict holds its row.
              sends: !open && sends(way, local, remote, after),
            },
            state,
          ).toEqual({
            after: model.write ? model.value : field.local,
            conflict: model.conflict === null ? 'none' : (model.conflict.resolution ?? 'open'),
            resend: (field.sent?.settles === true && model.sent === 'kept') || model.notKept,
            sends: !open && sends(way, model.localImage, model.remoteImage, model.write ? model.value : field.local),
          });
          if (model.wait) expect(row?.waits, state).toBe(true);
        });
      });
    }),
    { numRuns: 10, endOnFailure: true },
  );
});
