import { beforeAll, expect, test } from 'vitest';
import { useDatabase } from '../../support/database.ts';
import { type Engine, type Mapping, type Outcome, useEngine } from '../../support/engine.ts';
import { chooseStep, randomWalks } from '../../support/random-walks.ts';
import { createModel, type CreateWorld } from '../../unit/model/create-model.ts';

const database = useDatabase();
let engine: Engine;
beforeAll(async () => {
  engine = await useEngine(database);
});

interface Request {
  readonly batch: string;
  readonly epoch: string;
  readonly link_id: string;
}

/** Walks the model at random and does each of its steps with the SQL functions; the app and the network are the model's. */
async function replay(map: Mapping, world: CreateWorld, choices: readonly number[]): Promise<void> {
  const model = createModel(world);
  let state = model.initial;
  const fields = { Id: 1, Name: 'new' };
  const remoteId = (record: number) => `r${String(record)}`;
  const trace: string[] = [];
  const network: Request[] = [];
  const answers: { request: Request; record: number }[] = [];
  let batch = '';
  let link_id = '';
  const takeOut = <T>(list: T[], at: number): T => {
    const [taken] = list.splice(at, 1);
    if (taken === undefined) throw new Error(`There is no ${String(at)}.`);
    return taken;
  };
  const tell = ({ request, record }: { request: Request; record: number }) =>
    map.complete(
      request.batch,
      [{ link_id: request.link_id, result: 'written', remote_id: remoteId(record), shown: fields }],
      { epoch: request.epoch },
    );
  const showRecords = () =>
    map.page(state.records.flatMap((shown, record) => (shown ? [{ id: remoteId(record), fields }] : [])));

  await engine.owner.query(`insert into ${map.table} values (1, 'new')`);
  await map.mark(['1']);
  for (const choice of choices) {
    const steps = model.next(state);
    const step = chooseStep(steps, choice);
    if (step === undefined) break;
    trace.push(step.label);
    const before = state;
    state = step.state;
    const told = trace.join('\n');
    // Each request and each answer has one step of a kind, in their order.
    const kind = ({ label }: { label: string }) => label.replace('late record', 'record');
    const nth = steps.filter((other) => kind(other) === kind(step)).indexOf(step);
    const answerAt = (awaited: boolean) =>
      before.answers.flatMap((answer, at) => (answer.awaited === awaited ? [at] : []))[nth] ?? -1;

    if (step.label === 'claim') batch = (await map.claim()) ?? '';
    else if (step.label.startsWith('prepare')) {
      let [item] = await map.prepare(batch);
      if (item?.op === 'lookup') {
        const record = state.linked;
        const outcome: Outcome =
          record === null ? { result: 'missing' } : { result: 'found', remote_id: remoteId(record), shown: fields };
        await map.complete(batch, [{ link_id: item.link_id, ...outcome }]);
        await map.dueNow();
        if (record === null) {
          batch = (await map.claim()) ?? '';
          [item] = await map.prepare(batch);
        } else item = undefined;
      }
      expect(item?.op === 'create', told).toBe(state.flight === 'prepared');
      link_id = item?.link_id ?? '';
    } else if (step.label === 'send the create') network.push({ batch, epoch: map.epoch, link_id });
    else if (step.label.startsWith('app makes')) {
      answers.push({ request: takeOut(network, nth), record: state.records.length - 1 });
    } else if (step.label === 'the create is lost') takeOut(network, nth);
    else if (step.label === 'complete') await tell(takeOut(answers, answerAt(true)));
    else if (step.label === 'a fenced owner brings a late answer') await tell(takeOut(answers, answerAt(false)));
    else if (step.label === 'a late answer is lost') takeOut(answers, answerAt(false));
    else if (step.label === 'no answer in time') {
      if (before.flight === 'waiting') await map.complete(batch, [{ link_id, result: 'uncertain' }]);
    } else if (step.label.startsWith('daemon dies')) {
      await map.takeOver(`daemon ${String(trace.length)}`);
    } else if (step.label.startsWith('the longest life')) await map.lifetimesOver();
    else if (step.label.startsWith('a page')) await showRecords();

    // A create without an answer holds its row back by itself; any other wait is only a matter of time.
    if (state.sent !== 'late') await map.dueNow();
    else if (state.flight === 'none') {
      await map.releaseDue();
      expect(await map.claim(), told).toBeNull();
    }
    const links = await map.links();
    expect(
      { rows: await map.rows(), linked: links.map((link) => link.remote_id).filter((one) => one !== null) },
      told,
    ).toEqual({
      rows: [{ id: 1, name: 'new' }],
      linked: state.linked === null ? [] : [remoteId(state.linked)],
    });
  }

  if (state.linked === null || state.flight !== 'none') return;
  await map.lifetimesOver();
  await map.dueNow();
  const sent = await map.push();
  expect(
    sent.filter(({ op }) => op === 'create'),
    trace.join('\n'),
  ).toEqual([]);
}

test.each([false, true])(
  'every step of a random trace makes the record once, as the model says, where searches lag: %s',
  { timeout: 120_000 },
  async (lags) => {
    const world: CreateWorld = { recognised: 'by a correlation column', lags, crashes: 3, timeouts: 3 };
    await randomWalks({ minLength: 15, maxLength: 40 }, async (choices) => {
      const map = await engine.aMapping({ table: 'id integer primary key, name text', options: { max_attempts: 100 } });
      await replay(map, world, choices);
    });
  },
);
