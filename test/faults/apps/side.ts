import { request as ask, type IncomingMessage } from 'node:http';
import { startAppServer, type AppAnswer, type AppRequest, type AppServer } from '../../apps/app-server.ts';
import type { Draws } from '../draws.ts';
import type { Effect, Values } from '../history.ts';
import type { AppKind, AppRecord, RunningApp } from './app-kind.ts';

/**
 * An app and the gate before it. Everything of Tideway's goes through the gate, where it can fail; whatever changes in the
 * app is noted there, before anybody is answered.
 */
export class Side {
  readonly name: string;
  readonly kind: AppKind;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly #app: RunningApp;
  readonly #gate: AppServer;
  readonly #effects: { readonly id: string; readonly effect: Effect }[] = [];
  #seen = new Map<string, AppRecord>();
  /** How many releases of held requests are under way. */
  #late = 0;

  private constructor(name: string, kind: AppKind, app: RunningApp, gate: AppServer) {
    this.name = name;
    this.kind = kind;
    this.settings = kind.settings({ gate: gate.url, app: app.url });
    this.#app = app;
    this.#gate = gate;
  }

  static async open(name: string, kind: AppKind, draws: Draws): Promise<Side> {
    const app = await kind.start(draws);
    const gate: AppServer = await startAppServer((request) => side.#forward(request));
    const side = new Side(name, kind, app, gate);
    return side;
  }

  readonly fail: AppServer['fail'] = (script) => {
    this.#gate.fail(script);
  };

  /** When requests have failed because a script said so. */
  failures(): readonly number[] {
    return this.#gate.failures();
  }

  requests(): readonly string[] {
    return this.#gate.requests();
  }

  records(): readonly AppRecord[] {
    return this.#app.records();
  }

  /** The record of this key. */
  record(key: string | number): AppRecord | undefined {
    return this.records().find(({ values }) => values.id === String(key));
  }

  create(values: Values): void {
    this.#person(() => this.#app.create(values));
  }

  edit(key: string | number, change: Partial<Values>): void {
    this.editRecord(this.record(key)?.id ?? '', change);
  }

  remove(key: string | number): void {
    this.removeRecord(this.record(key)?.id ?? '');
  }

  editRecord(id: string, change: Partial<Values>): void {
    this.#person(() => {
      this.#app.edit(id, change);
    });
  }

  removeRecord(id: string): void {
    this.#person(() => {
      this.#app.remove(id);
    });
  }

  /** Every effect on the app so far. */
  effects(): readonly Effect[] {
    this.#note('tideway');
    return this.#effects.map(({ effect }) => effect);
  }

  /** Whether Tideway made this record. */
  isOurs(id: string): boolean {
    return this.#effects.some((one) => one.id === id && one.effect.by === 'tideway' && one.effect.before === null);
  }

  async releaseHeld(): Promise<void> {
    this.#note('tideway');
    this.#late += 1;
    await this.#gate.releaseHeld();
    this.#note('tideway');
    this.#late -= 1;
  }

  /** The bad weather ends. */
  async calm(): Promise<void> {
    this.#gate.clearFaults();
    await this.releaseHeld();
    this.#app.revealAll?.();
  }

  async stop(): Promise<void> {
    await this.#gate.stop();
    await this.#app.stop();
  }

  #person(act: () => void): void {
    this.#note('tideway');
    act();
    this.#note('person');
  }

  #note(by: Effect['by']): void {
    const now = new Map(this.records().map((record) => [record.id, record]));
    const at = new Date().toISOString();
    for (const id of new Set([...this.#seen.keys(), ...now.keys()])) {
      const [before, after] = [this.#seen.get(id), now.get(id)];
      if (JSON.stringify(before) === JSON.stringify(after)) continue;
      const effect: Effect = {
        side: this.name,
        at,
        by,
        ...(this.#late > 0 && by === 'tideway' ? { late: true } : {}),
        before: before?.values ?? null,
        after: after?.values ?? null,
      };
      this.#effects.push({ id, effect });
    }
    this.#seen = now;
  }

  async #forward(request: AppRequest): Promise<AppAnswer> {
    this.#note('tideway');
    const answer = await pass(this.#app.url, request);
    this.#note('tideway');
    return answer;
  }
}

/** Sends it on as it came, the name of the host too: some requests are signed. */
async function pass(app: string, { method, url, headers, body }: AppRequest): Promise<AppAnswer> {
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    ask(new URL(url.pathname + url.search, app), { method, headers, agent: false }, resolve)
      .once('error', reject)
      .end(body);
  });
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  const kept = Object.entries(answer.headers).filter(
    ([name, value]) =>
      typeof value === 'string' && !['connection', 'keep-alive', 'transfer-encoding', 'content-length'].includes(name),
  );
  return {
    status: answer.statusCode ?? 502,
    headers: Object.fromEntries(kept) as Record<string, string>,
    body: Buffer.concat(chunks).toString(),
  };
}
