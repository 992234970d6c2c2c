import { loadavg } from 'node:os';
import type { RunningDaemon } from '../support/daemon.ts';
import type { Stop } from './report.ts';

/** The daemon that works, and at times a second one. */
export class Daemons {
  readonly stops: Stop[] = [];
  /** When one was killed. */
  readonly kills: number[] = [];
  /** Those that ended though nobody asked. */
  readonly died: string[] = [];
  readonly #start: () => Promise<RunningDaemon>;
  readonly #all: RunningDaemon[] = [];
  readonly #running = new Map<RunningDaemon, { asked: boolean }>();

  constructor(start: () => Promise<RunningDaemon>) {
    this.#start = start;
  }

  /** The process of the only one; none while there is another number of them. */
  get pid(): number | undefined {
    const [only, other] = this.#running.keys();
    return other === undefined ? only?.pid : undefined;
  }

  /** What all of them told. */
  logs(): string {
    return this.#all.map((daemon) => `process ${String(daemon.pid)}\n${daemon.log()}`).join('');
  }

  async begin(): Promise<RunningDaemon> {
    const daemon = await this.#start();
    const state = { asked: false };
    this.#running.set(daemon, state);
    this.#all.push(daemon);
    void daemon.ended.then((how) => {
      this.#running.delete(daemon);
      if (!state.asked) this.died.push(`a daemon ended by itself with ${how}: ${daemon.log().slice(-2000)}`);
    });
    return daemon;
  }

  /** kill -9 of the eldest, and another one soon. */
  async replaceKilled(): Promise<void> {
    const daemon = this.#eldest();
    if (daemon !== undefined) {
      this.kills.push(Date.now());
      await daemon.kill();
    }
    await this.begin();
  }

  /** As a release does: the new one waits beside the old one, and takes over. */
  async handOver(): Promise<void> {
    const daemon = this.#eldest();
    await this.begin();
    if (daemon !== undefined) await this.stop(daemon);
  }

  /** As an operator does; a daemon that stops too late is killed, and counted. */
  async stop(daemon = this.#eldest()): Promise<void> {
    if (daemon === undefined) return;
    this.#ask(daemon);
    const began = Date.now();
    await daemon.stop().catch((error: unknown) => {
      // What matters then is how long it took.
      if (!String(error).includes('too late')) this.died.push(String(error));
    });
    await daemon.ended;
    this.stops.push({ milliseconds: Date.now() - began, load: loadavg()[0] ?? 0 });
  }

  #eldest(): RunningDaemon | undefined {
    const [daemon] = this.#running.keys();
    if (daemon !== undefined) this.#ask(daemon);
    return daemon;
  }

  #ask(daemon: RunningDaemon): void {
    const state = this.#running.get(daemon);
    if (state !== undefined) state.asked = true;
  }
}
