import { onTestFinished } from 'vitest';
import type { useOutbound } from '../flow/outbound/stage.ts';
import { waitFor } from '../support/wait-for.ts';
import { text, type AppKind } from './apps/app-kind.ts';
import { Side } from './apps/side.ts';
import type { Draws } from './draws.ts';
import type { Effect, History, Told, Values } from './history.ts';

type Flow = ReturnType<typeof useOutbound>;

const MAPPING = {
  schedule: '1 s',
  sweep_schedule: 'manual',
  max_delete_ratio: 1,
  max_attempts: 100,
  retry_base: '50 ms',
  retry_cap: '500 ms',
};

/** Milliseconds in which a request without an answer may still take effect. */
const LIFE = 1_500;

/** How many a partitioned table has. */
export const PARTITIONS = 4;

export interface WorldOptions {
  /** Whether people change keys too. */
  readonly keys?: boolean;
  readonly settings?: Readonly<Record<string, unknown>>;
  /** What the table is called where a database holds several worlds, and what its sides. */
  readonly table?: string;
  readonly names?: readonly string[];
  /** SQL types that are not those of the first kind. */
  readonly types?: Partial<AppKind['types']>;
  readonly partitioned?: boolean;
  /** There is time to wait where an app wants to be left alone for long. */
  readonly patient?: boolean;
}

type Line = readonly [string | number, string | null, string | number | null];

/** A table that several apps share, the people on all sides, and their journals. */
export class World {
  readonly sides: readonly Side[];
  readonly table: string;
  readonly partitioned: boolean;
  readonly #flow: Flow;
  readonly #draws: Draws;
  readonly #keys: boolean;
  readonly #patient: boolean;
  #count = 0;

  private constructor(
    flow: Flow,
    draws: Draws,
    sides: readonly Side[],
    { keys = false, patient = false, table = 'items', partitioned = false }: WorldOptions,
  ) {
    this.#keys = keys;
    this.#patient = patient;
    this.table = table;
    this.partitioned = partitioned;
    this.#flow = flow;
    this.#draws = draws;
    this.sides = sides;
  }

  static async begin(flow: Flow, draws: Draws, kinds: readonly AppKind[], options: WorldOptions = {}): Promise<World> {
    const { settings = {}, table = 'items', names = ['one', 'two', 'three'], partitioned = false } = options;
    const { pool } = flow;
    if (kinds[0] === undefined) throw new Error('A world has an app.');
    const types = { ...kinds[0].types, ...options.types };
    const parts = partitioned ? [...Array(PARTITIONS).keys()] : [];
    await pool.query(`
      create table public.${table} (id ${types.id} primary key, name ${types.name}, qty ${types.qty}) ${partitioned ? 'partition by hash (id)' : ''};
      ${parts.map((part) => `create table public.${table}_${String(part)} partition of public.${table} ${boundOf(part)};`).join('\n')}
      create schema if not exists witness;
      create table if not exists witness.journal (seq bigint generated always as identity, world text not null, at timestamptz not null default clock_timestamp(), by text not null, before jsonb, after jsonb);
      delete from witness.journal where world = '${table}';
      create or replace function witness.note() returns trigger language plpgsql security definer set search_path = '' as $$
      begin
        insert into witness.journal (world, by, before, after)
        values (tg_argv[0],
                case when current_setting('application_name') like 'test/%' then 'person' else 'tideway' end,
                case when tg_op <> 'INSERT' then to_jsonb(old) end, case when tg_op <> 'DELETE' then to_jsonb(new) end);
        return null;
      end $$;
      create trigger witness after insert or update or delete on public.${table} for each row execute function witness.note('${table}');
      create table if not exists witness.links (at timestamptz not null default clock_timestamp(), mapping integer, local_key text, link jsonb);
      create or replace function witness.note_link() returns trigger language plpgsql security definer set search_path = '' as $$
      begin
        insert into witness.links (mapping, local_key, link)
        select new.mapping, new.local_key, pg_catalog.jsonb_object_agg(n.key, n.value)
          from pg_catalog.jsonb_each(to_jsonb(new)) n
         where tg_op = 'INSERT' or n.value is distinct from to_jsonb(old) -> n.key;
        return null;
      end $$;
      create or replace trigger witness after insert or update on tideway_private.links for each row execute function witness.note_link();
      insert into tideway.systems (system, title, settings_schema) values ('plain', 'Plain', '{}') on conflict do nothing`);
    const sides: Side[] = [];
    for (const [at, kind] of kinds.entries()) {
      const name = names[at] ?? `app${String(at)}`;
      const side = await Side.open(name, kind, draws);
      // After the daemons have gone.
      onTestFinished(() => side.stop());
      sides.push(side);
      await pool.query('select tideway.connect($1, $2, $3, $4)', [
        name,
        kind.system,
        { request_life: LIFE, ...side.settings, ...settings },
        kind.secret,
      ]);
    }
    const world = new World(flow, draws, sides, options);
    await world.map();
    for (const { name } of sides) await pool.query('select tideway.activate($1)', [name]);
    return world;
  }

  /** As it is, and again when the table has changed. */
  async map(): Promise<void> {
    for (const { name, kind } of this.sides)
      await this.#flow.pool.query(
        `select tideway.map($1, $1, $2, $3::regclass, $4::jsonb, direction => 'both', options => $5)`,
        [name, kind.remote, `public.${this.table}`, JSON.stringify(kind.columns), MAPPING],
      );
  }

  /** Of the apps, their connections and their mappings. */
  get names(): readonly string[] {
    return this.sides.map(({ name }) => name);
  }

  /** What a daemon of this world needs to know. */
  get env(): Record<string, string> {
    return Object.assign({ TIDEWAY_SEAL_KEY: SEAL_KEY }, ...this.sides.map(({ kind }) => kind.env)) as Record<
      string,
      string
    >;
  }

  /** The one app of a small world. */
  get only(): Side {
    const [side, other] = this.sides;
    if (side === undefined || other !== undefined) throw new Error('There is not one app.');
    return side;
  }

  /** Resolves once the app shows exactly these rows. */
  async shows(side: Side, lines: readonly Line[], within = 15_000): Promise<void> {
    await same(lines, within, side.name, () => side.records().map(({ values }) => values));
  }

  /** Resolves once the table holds exactly these rows. */
  async holds(lines: readonly Line[], within = 15_000): Promise<void> {
    await same(lines, within, 'table', async () => (await this.#items()).map(ofRow));
  }

  async #items(): Promise<Row[]> {
    const { rows } = await this.#flow.pool.query<Row>(`select id, name, qty from public.${this.table} order by id`);
    return rows;
  }

  /** One thing that one person does, told in a line. */
  async act(): Promise<string> {
    const { below, pick } = this.#draws;
    const side = below(2) === 0 ? undefined : pick(this.sides);
    return side === undefined ? this.#actHere() : this.#actThere(side);
  }

  async #actHere(): Promise<string> {
    const { pick, below } = this.#draws;
    const { fresh, name, qty } = this.#fresh();
    const table = `public.${this.table}`;
    const rows = await this.#items();
    const what = below(10);
    const id = rows.length === 0 ? undefined : pick(rows).id;
    const [sql, values] =
      id === undefined || what < 3
        ? [`insert into ${table} values ($1, $2, $3)`, [fresh, name, qty]]
        : what < 5
          ? [`update ${table} set name = $2 where id = $1`, [id, name]]
          : what < 7
            ? [`update ${table} set qty = $2 where id = $1`, [id, qty]]
            : what < 8 && this.#keys
              ? [`update ${table} set id = $2 where id = $1`, [id, fresh]]
              : what < 9
                ? [`update ${table} set name = $2, qty = $3 where id = $1`, [id, name, qty]]
                : [`delete from ${table} where id = $1`, [id]];
    await this.#flow.pool.query(sql, values as unknown[]);
    return `table: ${String(sql)} ${JSON.stringify(values)}`;
  }

  async #actThere(side: Side): Promise<string> {
    const { pick, below } = this.#draws;
    const { fresh, name, qty } = this.#fresh();
    const records = side.records();
    const what = below(10);
    const record = records.length === 0 ? undefined : pick(records);
    if (record === undefined || what < 3) {
      side.create({ id: fresh, name, qty });
      return `${side.name}: create ${fresh} ${name} ${qty}`;
    }
    const known = what === 9 && (await this.#isKnown(side, record.id));
    if (!side.records().some(({ id }) => id === record.id)) return `${side.name}: ${record.id} is gone`;
    if (known) {
      side.removeRecord(record.id);
      return `${side.name}: delete ${record.id}`;
    }
    const change = what < 6 || what === 9 ? { name } : what < 8 ? { qty } : { name, qty };
    side.editRecord(record.id, change);
    return `${side.name}: update ${record.id} ${JSON.stringify(change)}`;
  }

  /** Nobody can know of a record that is gone and whose creation was never answered. */
  async #isKnown(side: Side, id: string): Promise<boolean> {
    const { rows } = await this.#flow.pool.query(
      `select from tideway_private.links l join tideway.mappings m on m.number = l.mapping where m.name = $1 and l.remote_id = $2`,
      [side.name, id],
    );
    return !side.isOurs(id) || rows.length > 0;
  }

  /** One fault in one app, told in a line. */
  misbehave(): string {
    const { pick, below } = this.#draws;
    const side = pick(this.sides);
    const after = below(3);
    const { isRead, isWrite } = side.kind;
    const throttled =
      side.kind.sulks && !this.#patient ? ({ kind: 'status', status: 503 } as const) : side.kind.throttled;
    const isEither = (asked: Parameters<typeof isRead>[0]): boolean => isRead(asked) || isWrite(asked);
    const fault = pick([
      { what: 'write', when: isWrite, with: { kind: 'status', status: 500 } },
      { what: 'write', when: isWrite, with: { kind: 'status', status: 502, applied: true } },
      { what: 'request', when: isEither, with: throttled },
      { what: 'request', when: isEither, with: { kind: 'reset' } },
      { what: 'write', when: isWrite, with: { kind: 'drop_answer' } },
      { what: 'write', when: isWrite, with: { kind: side.kind.byPlace === true ? 'drop_answer' : 'late' } },
      { what: 'write', when: isWrite, with: { kind: 'truncate' } },
      { what: 'read', when: isRead, with: { kind: 'truncate' } },
      { what: 'read', when: isRead, with: { kind: 'truncate', clean: true } },
      { what: 'read', when: isRead, with: { kind: 'status', status: 500 } },
      { what: 'write', when: isWrite, with: { kind: 'delay', milliseconds: 150 } },
      { what: 'read', when: isRead, with: { kind: 'delay', milliseconds: 150 } },
    ] as const);
    side.fail({ when: fault.when, with: fault.with, after });
    return `${side.name}: ${fault.what} ${JSON.stringify(fault.with)} after ${String(after)}`;
  }

  /** Late requests land within the time that the apps promise; the journal remembers that they were late. */
  landLate(): () => void {
    const timer = setInterval(() => {
      for (const side of this.sides) void side.releaseHeld();
    }, LIFE / 3);
    return () => {
      clearInterval(timer);
    };
  }

  /** The bad weather ends. */
  async calm(): Promise<void> {
    for (const side of this.sides) await side.calm();
  }

  async history(): Promise<History> {
    const { pool } = this.#flow;
    const { rows } = await pool.query<{ at: Date; by: 'person' | 'tideway'; before: Row | null; after: Row | null }>(
      'select at, by, before, after from witness.journal where world = $1 order by seq',
      [this.table],
    );
    const here = rows.map(({ at, by, before, after }): Effect => ({
      side: 'table',
      at: at.toISOString(),
      by,
      before: before && ofRow(before),
      after: after && ofRow(after),
    }));
    const held = new Map<string, readonly Values[]>();
    held.set('table', (await this.#items()).map(ofRow));
    for (const side of this.sides)
      held.set(
        side.name,
        side.records().map(({ values }) => values),
      );
    return {
      effects: [...here, ...this.sides.flatMap((side) => side.effects())],
      held,
      blind: new Map(this.sides.map(({ name, kind }) => [name, kind.blind])),
      byPlace: new Set(this.sides.filter(({ kind }) => kind.byPlace === true).map(({ name }) => name)),
      told: await this.#told(),
    };
  }

  /** What the daemon knows of each row, a line a link, for people who look for the cause. */
  async links(): Promise<string[]> {
    const { rows } = await this.#flow.pool.query<{ line: string }>(
      `select concat_ws(' ', 'link', m.name, jsonb_strip_nulls(to_jsonb(l) - 'org_id' - 'lane' - 'mapping'),
                        'waits:', to_jsonb(w), 'rereads:', to_jsonb(r), 'deletions:', (select jsonb_agg(d) from tideway_private.deletions d where d.link_id = l.id)) as line
         from tideway_private.links l
         join tideway.mappings m on m.number = l.mapping
         left join tideway_private.waiting w on w.mapping = l.mapping and w.local_key = l.local_key
         left join tideway_private.rereads r on r.mapping = l.mapping and r.remote_id = l.remote_id
        where m.name = any ($1)
        order by l.local_key, m.name`,
      [this.names],
    );
    const { rows: steps } = await this.#flow.pool.query<{ line: string }>(
      `select concat_ws(' ', 'step', to_char(s.at at time zone 'UTC', 'MI:SS.MS'), m.name, jsonb_build_object('local_key', s.local_key), s.link - '{org_id,lane,mapping,local_key,synced_at}'::text[]) as line
         from witness.links s join tideway.mappings m on m.number = s.mapping where m.name = any ($1) order by s.at`,
      [this.names],
    );
    return [...steps, ...rows].map(({ line }) => line);
  }

  async #told(): Promise<Told> {
    const { rows: conflicts } = await this.#flow.pool.query<{ value: string }>(
      `select distinct v #>> '{}' as value from tideway.conflicts c join tideway.mappings m on m.id = c.mapping_id
        cross join lateral (values (local_value), (remote_value)) as x (v) where v is not null and m.name = any ($1)`,
      [this.names],
    );
    const { rows: errors } = await this.#flow.pool.query<{ key: string | null; text: string }>(
      `select e.local_key as key, concat_ws(' ', m.name, e.local_key, e.remote_id, e.code, e.message) as text
         from tideway.sync_errors e left join tideway.mappings m on m.id = e.mapping_id
        where e.resolved_at is null and e.severity = 'error' and (m.name = any ($1) or m.name is null)
        union all
       select c.local_key, concat_ws(' ', c.kind, c."column") from tideway.conflicts c join tideway.mappings m on m.id = c.mapping_id
        where c.resolved_at is null and m.name = any ($1)`,
      [this.names],
    );
    const { rows } = await this.#flow.pool.query<{ side: string; key: string }>(
      `select distinct m.name as side, c.local_key as key from tideway.conflicts c join tideway.mappings m on m.id = c.mapping_id
        where c."column" = '*' and c.local_key is not null and m.name = any ($1)`,
      [this.names],
    );
    const { rows: overwritten } = await this.#flow.pool.query<{ side: string; key: string; field: string }>(
      `select m.name as side, e.remote_id as key, e."column" as field from tideway.sync_errors e join tideway.mappings m on m.id = e.mapping_id
        where e.code = 'OVERWRITTEN' and e.resolved_at is null and m.name = any ($1)`,
      [this.names],
    );
    return { values: conflicts.map(({ value }) => value), rows, overwritten, errors };
  }

  /** No value is ever used twice, in any column. */
  #fresh(): Values & { readonly fresh: string } {
    this.#count += 1;
    const fresh = String(this.#count);
    return { id: fresh, fresh, name: `v${fresh}`, qty: String(1_000_000 + this.#count) };
  }
}

interface Row {
  readonly id: number | string;
  readonly name: string | null;
  readonly qty: number | string | null;
}

const SEAL_KEY = `k1:${Buffer.alloc(32, 7).toString('base64')}`;

/** What belongs into a partition. */
export function boundOf(part: number): string {
  return `for values with (modulus ${String(PARTITIONS)}, remainder ${String(part)})`;
}

function ofRow({ id, name, qty }: Row): Values {
  return { id: text(id), name: text(name), qty: text(qty) };
}

/** Waits until the rows are these, whatever their order. */
async function same(
  lines: readonly Line[],
  within: number,
  where: string,
  look: () => readonly Values[] | Promise<readonly Values[]>,
): Promise<void> {
  const wanted = lines.map((line) => line.map(String).join('/')).sort();
  await waitFor(
    async () => {
      const found = (await look()).map(({ id, name, qty }) => `${id}/${name}/${qty}`).sort();
      if (JSON.stringify(found) !== JSON.stringify(wanted))
        throw new Error(`${where} has ${found.join(' ')}, not ${wanted.join(' ')}`);
    },
    { within },
  );
}

/** Every effect in the order of time, for people who look for the cause. */
export function tell({ effects }: History): string[] {
  return [...effects]
    .sort((a, b) => (a.at < b.at ? -1 : 1))
    .map(
      ({ at, side, by, late, before, after }) =>
        `${at.slice(14)} ${side} ${by}${late ? ' (late)' : ''}: ${JSON.stringify(before)} -> ${JSON.stringify(after)}`,
    );
}
