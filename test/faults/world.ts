import type { JournalEntry } from '../apps/plain/plain-store.ts';
import type { Stage, useOutbound } from '../flow/outbound/stage.ts';
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

/** A table that several apps share, the people on all sides, and their journals. */
export class World {
  readonly stages: readonly Stage[];
  readonly #flow: Flow;
  readonly #draws: Draws;
  readonly #keys: boolean;
  readonly #late: ReadonlyMap<Stage, Set<number>>;
  #count = 0;

  private constructor(flow: Flow, draws: Draws, stages: readonly Stage[], keys: boolean) {
    this.#keys = keys;
    this.#flow = flow;
    this.#draws = draws;
    this.stages = stages;
    this.#late = new Map(stages.map((stage) => [stage, new Set<number>()]));
  }

  /** `keys`: whether people change keys too. */
  static async begin(
    flow: Flow,
    draws: Draws,
    apps: number,
    keys: boolean,
    settings: Record<string, unknown> = {},
  ): Promise<World> {
    await flow.pool.query(`
      create table public.items (id integer primary key, name text, qty integer);
      create schema if not exists witness;
      drop table if exists witness.journal;
      create table witness.journal (seq bigint generated always as identity, at timestamptz not null default clock_timestamp(), by text not null, before jsonb, after jsonb);
      create or replace function witness.note() returns trigger language plpgsql security definer set search_path = '' as $$
      begin
        insert into witness.journal (by, before, after)
        values (case when current_setting('application_name') like 'test/%' then 'person' else 'tideway' end,
                case when tg_op <> 'INSERT' then to_jsonb(old) end, case when tg_op <> 'DELETE' then to_jsonb(new) end);
        return null;
      end $$;
      create trigger witness after insert or update or delete on public.items for each row execute function witness.note();
      drop table if exists witness.links;
      create table witness.links (at timestamptz not null default clock_timestamp(), mapping integer, local_key text, link jsonb);
      create or replace function witness.note_link() returns trigger language plpgsql security definer set search_path = '' as $$
      begin
        insert into witness.links (mapping, local_key, link)
        select new.mapping, new.local_key, pg_catalog.jsonb_object_agg(n.key, n.value)
          from pg_catalog.jsonb_each(to_jsonb(new)) n
         where tg_op = 'INSERT' or n.value is distinct from to_jsonb(old) -> n.key;
        return null;
      end $$;
      create or replace trigger witness after insert or update on tideway_private.links for each row execute function witness.note_link();`);
    const stages: Stage[] = [];
    for (const name of ['one', 'two', 'three'].slice(0, apps))
      stages.push(
        await flow.stage({
          name,
          table: 'public.items',
          direction: 'both',
          mapping: MAPPING,
          settings: { request_life: LIFE, ...settings },
          app: { idempotency: draws.chance(0.5) },
        }),
      );
    return new World(flow, draws, stages, keys);
  }

  /** One thing that one person does, told in a line. */
  async act(): Promise<string> {
    const { below, pick } = this.#draws;
    const side = below(2) === 0 ? undefined : pick(this.stages);
    return side === undefined ? this.#actHere() : this.#actThere(side);
  }

  async #actHere(): Promise<string> {
    const { pick, below } = this.#draws;
    const { fresh, name, qty } = this.#fresh();
    const { rows } = await this.#flow.pool.query<{ id: number }>('select id from public.items order by id');
    const what = below(10);
    const id = rows.length === 0 ? undefined : pick(rows).id;
    const [sql, values] =
      id === undefined || what < 3
        ? ['insert into public.items values ($1, $2, $3)', [fresh, name, qty]]
        : what < 5
          ? ['update public.items set name = $2 where id = $1', [id, name]]
          : what < 7
            ? ['update public.items set qty = $2 where id = $1', [id, qty]]
            : what < 8 && this.#keys
              ? ['update public.items set id = $2 where id = $1', [id, fresh]]
              : what < 9
                ? ['update public.items set name = $2, qty = $3 where id = $1', [id, name, qty]]
                : ['delete from public.items where id = $1', [id]];
    await this.#flow.pool.query(sql, values as unknown[]);
    return `table: ${String(sql)} ${JSON.stringify(values)}`;
  }

  async #actThere(stage: Stage): Promise<string> {
    const { pick, below } = this.#draws;
    const { fresh, name, qty } = this.#fresh();
    const records = stage.app.records('items');
    const what = below(10);
    const record = records.length === 0 ? undefined : pick(records);
    const command =
      record === undefined || what < 3
        ? { op: 'create' as const, values: { ref: fresh, name, qty } }
        : what < 6
          ? { op: 'update' as const, id: record.id, values: { name } }
          : what < 8
            ? { op: 'update' as const, id: record.id, values: { qty } }
            : what < 9
              ? { op: 'update' as const, id: record.id, values: { name, qty } }
              : (await this.#isKnown(stage, record.id))
                ? { op: 'delete' as const, id: record.id }
                : { op: 'update' as const, id: record.id, values: { name } };
    stage.edit(command);
    return `${stage.name}: ${JSON.stringify(command)}`;
  }

  /** Nobody can know of a record that is gone and whose creation was never answered. */
  async #isKnown(stage: Stage, id: string): Promise<boolean> {
    const isOurs = stage.app
      .journal()
      .some((entry) => entry.id === id && entry.op === 'create' && entry.actor === 'api');
    const { rows } = await this.#flow.pool.query(
      `select from tideway_private.links l join tideway.mappings m on m.number = l.mapping where m.name = $1 and l.remote_id = $2`,
      [stage.name, id],
    );
    return !isOurs || rows.length > 0;
  }

  /** One fault in one app, told in a line. */
  misbehave(): string {
    const { pick, below } = this.#draws;
    const stage = pick(this.stages);
    const after = below(3);
    const fault = pick([
      { path: '/write', with: { kind: 'status', status: 500 } },
      { path: '/write', with: { kind: 'status', status: 502, applied: true } },
      { path: '/records', with: { kind: 'status', status: 429, headers: { 'retry-after': '1' } } },
      { path: '/records', with: { kind: 'reset' } },
      { path: '/write', with: { kind: 'drop_answer' } },
      { path: '/write', with: { kind: 'late' } },
      { path: '/write', with: { kind: 'truncate' } },
      { method: 'GET', path: '/records', with: { kind: 'truncate' } },
      { method: 'GET', path: '/records', with: { kind: 'truncate', clean: true } },
      { path: '/find', with: { kind: 'status', status: 500 } },
      { path: '/write', with: { kind: 'delay', milliseconds: 150 } },
      { method: 'GET', path: '/records', with: { kind: 'delay', milliseconds: 150 } },
    ] as const);
    stage.app.fail({ ...fault, after });
    return `${stage.name}: fault ${JSON.stringify(fault)} after ${String(after)}`;
  }

  /** Late requests land within the time that the apps promise; the journal remembers that they were late. */
  landLate(): () => void {
    const timer = setInterval(() => {
      this.releaseHeld();
    }, LIFE / 3);
    return () => {
      clearInterval(timer);
    };
  }

  releaseHeld(): void {
    for (const stage of this.stages) {
      const before = stage.app.journal().length;
      stage.app.releaseHeld();
      for (const { seq } of stage.app.journal().slice(before)) this.#late.get(stage)?.add(seq);
    }
  }

  /** The bad weather ends. */
  calm(): void {
    for (const { app } of this.stages) {
      app.clearFaults();
      app.revealAll();
    }
    this.releaseHeld();
  }

  async history(): Promise<History> {
    const { pool } = this.#flow;
    const { rows } = await pool.query<{ at: Date; by: 'person' | 'tideway'; before: Row | null; after: Row | null }>(
      'select at, by, before, after from witness.journal order by seq',
    );
    const here = rows.map(({ at, by, before, after }): Effect => ({
      side: 'table',
      at: at.toISOString(),
      by,
      before: before && ofRow(before),
      after: after && ofRow(after),
    }));
    const held = new Map<string, readonly Values[]>();
    const { rows: items } = await pool.query<Row>('select id, name, qty from public.items order by id');
    held.set(
      'table',
      items.map((row) => ofRow(row)),
    );
    for (const stage of this.stages)
      held.set(
        stage.name,
        stage.app.records('items').map(({ values }) => ofRecord(values)),
      );
    return {
      effects: [...here, ...this.stages.flatMap((stage) => this.#effects(stage))],
      held,
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
        order by l.local_key, m.name`,
    );
    const { rows: steps } = await this.#flow.pool.query<{ line: string }>(
      `select concat_ws(' ', 'step', to_char(s.at at time zone 'UTC', 'MI:SS.MS'), m.name, jsonb_build_object('local_key', s.local_key), s.link - '{org_id,lane,mapping,local_key,synced_at}'::text[]) as line
         from witness.links s join tideway.mappings m on m.number = s.mapping order by s.at`,
    );
    return [...steps, ...rows].map(({ line }) => line);
  }

  #effects(stage: Stage): Effect[] {
    const records = new Map<string, Values>();
    return stage.app.journal().map((entry: JournalEntry) => {
      const before = records.get(entry.id) ?? null;
      const after =
        entry.op === 'delete' ? null : { ...(before ?? NOTHING), ...ofRecord(entry.values, before ?? NOTHING) };
      if (after === null) records.delete(entry.id);
      else records.set(entry.id, after);
      return {
        side: stage.name,
        at: entry.at,
        by: entry.actor === 'api' ? 'tideway' : 'person',
        ...(this.#late.get(stage)?.has(entry.seq) ? { late: true } : {}),
        before,
        after,
      };
    });
  }

  async #told(): Promise<Told> {
    const { rows: conflicts } = await this.#flow.pool.query<{ value: string }>(
      `select distinct v #>> '{}' as value from tideway.conflicts
        cross join lateral (values (local_value), (remote_value)) as x (v) where v is not null`,
    );
    const { rows: errors } = await this.#flow.pool.query<{ key: string | null; text: string }>(
      `select e.local_key as key, concat_ws(' ', m.name, e.local_key, e.remote_id, e.code, e.message) as text
         from tideway.sync_errors e left join tideway.mappings m on m.id = e.mapping_id
        where e.resolved_at is null and e.severity = 'error'
        union all
       select c.local_key, concat_ws(' ', c.kind, c."column") from tideway.conflicts c where c.resolved_at is null`,
    );
    const { rows } = await this.#flow.pool.query<{ side: string; key: string }>(
      `select distinct m.name as side, c.local_key as key from tideway.conflicts c join tideway.mappings m on m.id = c.mapping_id
        where c."column" = '*' and c.local_key is not null`,
    );
    return { values: conflicts.map(({ value }) => value), rows, errors };
  }

  /** No value is ever used twice, in any column. */
  #fresh(): { fresh: number; name: string; qty: number } {
    this.#count += 1;
    return { fresh: this.#count, name: `v${String(this.#count)}`, qty: 1_000_000 + this.#count };
  }
}

interface Row {
  readonly id: number;
  readonly name: string | null;
  readonly qty: number | null;
}

const NOTHING: Values = { id: '', name: '', qty: '' };

function ofRow(row: Row): Values {
  return { id: String(row.id), name: String(row.name), qty: String(row.qty) };
}

function ofRecord(values: Readonly<Record<string, unknown>>, base: Values = NOTHING): Values {
  const of = (name: string, before: string): string => (name in values ? text(values[name]) : before);
  return { id: of('ref', base.id), name: of('name', base.name), qty: of('qty', base.qty) };
}

function text(value: unknown): string {
  return typeof value === 'object' && value !== null && 'number' in value ? String(value.number) : String(value);
}
