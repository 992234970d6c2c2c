import { beforeAll, expect, test } from 'vitest';
import { useDatabase } from '../../support/database.ts';
import { type Asked, type Engine, type Mapping, type PushItem, useEngine } from '../../support/engine.ts';
import { chooseStep, randomWalks } from '../../support/random-walks.ts';
import { rowSyncModel, type World } from '../../unit/model/row-sync-model.ts';

const database = useDatabase();
let engine: Engine;
beforeAll(async () => {
  engine = await useEngine(database);
});

let key = 0;

interface Read {
  readonly asked: Asked;
  /** The record's when the app answered. */
  readonly version?: number;
}

function readAt(reads: readonly Read[], at: number): Read {
  const read = reads[at];
  if (read === undefined) throw new Error(`There is no read ${String(at)}.`);
  return read;
}

/** Walks the model at random and does each of its steps with the SQL functions; the app and the network are the model's. */
async function replay(map: Mapping, world: World, choices: readonly number[]): Promise<void> {
  const model = rowSyncModel(world);
  let state = model.initial;
  key += 1;
  const [id, remoteId] = [String(key), `r${String(key)}`];
  const compares = world.app === 'comparing';
  let version = 1;
  const record = (value: number, at = version) => [
    { id: remoteId, fields: { Id: Number(id), V: value }, ...(compares ? { version: String(at) } : {}) },
  ];
  await map.page(record(0));
  const trace: string[] = [];
  const reads: Read[] = [];
  let batch = '';
  let item: PushItem | undefined;
  const known = (held?: string | null) => (held == null ? 'none' : held === String(version) ? 'current' : 'old');
  const setRow = (value: string) => engine.owner.query(`update ${map.table} set v = $1 where id = $2`, [value, id]);
  const complete = async (outcome: object) => {
    const link_id = item?.link_id ?? '';
    await map.complete(batch, [{ link_id, result: 'written', ...outcome }], {
      visibleAfter: world.app === 'at once' || compares ? '0' : '1 hour',
    });
  };

  for (const choice of choices) {
    const steps = model.next(state);
    const step = chooseStep(steps, choice);
    if (step === undefined) break;
    trace.push(step.label);
    const before = state;
    state = step.state;
    const value = /(\d+)$/.exec(step.label)?.[1] ?? '';
    // Each read has one step, in the order of the reads.
    const nth = steps.filter(({ label }) => /^(app answers a read|page with)/.test(label)).indexOf(step);
    if (/^(person sets the app|app takes)/.test(step.label)) version += 1;
    if (step.label.startsWith('person sets the row')) await setRow(value);
    else if (step.label.startsWith('daemon dies')) {
      await map.takeOver(`daemon ${String(trace.length)} of ${id}`);
      await map.dueNow();
      reads.length = 0;
    } else if (step.label === 'follower marks the row') await map.mark([id]);
    else if (step.label === 'claim') batch = (await map.claim()) ?? '';
    else if (step.label.startsWith('mark dropped') || step.label.startsWith('prepare')) {
      [item] = await map.prepare(batch, { compares });
      expect(item?.payload.V ?? 'nothing to send', trace.join('\n')).toBe(
        value === '' ? 'nothing to send' : Number(value),
      );
      if (item !== undefined) expect(known(item.version), trace.join('\n')).toBe(before.version);
    } else if (step.label.startsWith('no answer')) {
      await complete({ result: 'uncertain' });
      await map.dueNow();
    } else if (step.label === 'complete') {
      const { answer } = before;
      if (answer === 'refused') await complete({ result: 'conflict' });
      else await complete(answer?.shown == null ? {} : { shown: { V: answer.shown } });
      await map.dueNow();
    } else if (step.label.startsWith('the longest life')) await map.lifetimesOver();
    else if (step.label === 'read asked for') reads.push({ asked: await engine.ask() });
    else if (step.label.startsWith('app answers a read')) reads[nth] = { ...readAt(reads, nth), version };
    else if (step.label.startsWith('page with')) {
      const { asked, version: at } = readAt(reads, nth);
      reads.splice(nth, 1);
      await map.page(record(Number(/page with (\d+)/.exec(step.label)?.[1]), at), { asked });
      await map.takeRequests();
    }

    const [link, row, outbox] = [
      (await map.links()).find((other) => other.local_key === id),
      await map.row(Number(id)),
      await map.outbox(),
    ];
    expect(
      {
        row: row?.v,
        local: link?.local_image.v,
        remote: link?.remote_diff.v ?? link?.local_image.v,
        sent: link?.sent?.v ?? null,
        mark: outbox.some((mark) => mark.local_key === id),
        version: known(link?.version),
      },
      `${trace.join('\n')}\n`,
    ).toEqual({
      row: state.row,
      local: state.local,
      remote: state.remote,
      sent: state.sent?.value ?? null,
      mark: state.mark,
      version: state.version,
    });
  }
}

const bounds = { localEdits: 6, remoteEdits: 2, crashes: 2, timeouts: 2, reads: 2, ignoresWrites: false };
test.each<[string, World]>([
  ['shows writes at once', { ...bounds, app: 'at once' }],
  ['shows writes later in reads', { ...bounds, app: 'lagging' }],
  ['queues writes', { ...bounds, app: 'queued' }],
  ['ignores writes and shows so later', { ...bounds, app: 'queued', ignoresWrites: true }],
  ['compares versions and tells none in its answers', { ...bounds, app: 'comparing' }],
])(
  'with an app that %s, every step of a random trace leaves the link as the model says',
  { timeout: 120_000 },
  async (_, world) => {
    const map = await engine.aMapping({ table: 'id integer primary key, v integer', options: { max_attempts: 100 } });
    await randomWalks({ minLength: 40, maxLength: 80 }, async (choices) => {
      try {
        await replay(map, world, choices);
      } finally {
        for (const table of ['outbox', 'waiting', 'in_flight', 'rereads', 'requests']) {
          await engine.pool.query(`delete from tideway_private.${table}`);
        }
      }
    });
  },
);
