import type { Clock } from './clock.ts';
import { messageOf } from './errors.ts';
import type { Log } from './log.ts';
import { backoffDelay } from './retry.ts';

interface Options {
  /** Begin nothing new. */
  readonly stopping: AbortSignal;
  readonly clock: Clock;
  readonly log: Log;
  /** What the log calls the owner of the tasks. */
  readonly connection: string;
  /** Errors after which nothing can go on; any other only makes its own task wait. */
  readonly isOver: (error: unknown) => boolean;
}

const TROUBLE = { base: 500, cap: 60_000 };

/** Work by name: one of each at a time, and what fails is tried again later without stopping the others. */
export class NamedTasks {
  readonly #options: Options;
  readonly #busy = new Map<string, { again: boolean }>();
  readonly #running = new Set<Promise<void>>();
  readonly #troubled = new Map<string, { readonly times: number; readonly until: number }>();
  readonly #failed: Promise<never>;
  #failure: Error | undefined;
  #fail: (error: Error) => void = () => undefined;

  constructor(options: Options) {
    this.#options = options;
    this.#failed = new Promise<never>((_, reject) => {
      this.#fail = reject;
    });
    this.#failed.catch(() => undefined);
  }

  /** Resolves when told to stop and everything under way has ended; rejects when the work cannot go on. */
  async untilStopped(alsoEnding: () => Promise<void> = () => Promise.resolve()): Promise<void> {
    const { stopping } = this.#options;
    const stopped = new Promise<void>((resolve) => {
      if (stopping.aborted) resolve();
      stopping.addEventListener('abort', () => resolve(), { once: true });
    });
    try {
      await Promise.race([stopped, this.#failed]);
    } finally {
      await Promise.allSettled([...this.#running, alsoEnding()]);
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Starts it, unless it runs: then it is done once more afterwards. */
  start(name: string, work: () => Promise<void>): void {
    const running = this.#busy.get(name);
    if (running === undefined) this.startIfFree(name, work);
    else running.again = true;
  }

  /** Starts it, unless it runs or has to wait after a failure: then it says false, and the caller comes again. */
  startIfFree(name: string, work: () => Promise<void>): boolean {
    const { stopping, clock, log, connection, isOver } = this.#options;
    if (stopping.aborted || this.#failure !== undefined || this.#busy.has(name)) return false;
    if ((this.#troubled.get(name)?.until ?? -Infinity) > clock.now()) return false;
    const state = { again: false };
    this.#busy.set(name, state);
    const task = (async () => {
      do {
        state.again = false;
        await work();
      } while (state.again && !stopping.aborted);
      this.#troubled.delete(name);
    })()
      .catch((error: unknown) => {
        if (!isOver(error)) {
          // What one mapping stumbles over stops nobody else.
          const times = (this.#troubled.get(name)?.times ?? 0) + 1;
          this.#troubled.set(name, { times, until: clock.now() + backoffDelay(times, TROUBLE, () => 1) });
          log.error(
            { event: 'daemon.task.failed', connection, task: name, why: messageOf(error) },
            'A task failed; it is tried again later',
          );
          return;
        }
        this.#failure ??= error instanceof Error ? error : new Error(messageOf(error));
        this.#fail(this.#failure);
      })
      .finally(() => {
        this.#busy.delete(name);
        this.#running.delete(task);
      });
    this.#running.add(task);
    return true;
  }
}
