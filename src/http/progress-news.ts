import type { Database } from '../sql/database.ts';
import { listen } from '../sql/listen.ts';

type Listener = (syncId: string) => void;

/** Passes on which sync moved; an empty name means that some news may have been missed. */
export class ProgressNews {
  readonly #listeners = new Set<Listener>();
  #unlisten: (() => Promise<void>) | undefined;

  async start(database: Database): Promise<void> {
    this.#unlisten = await listen(database, 'tideway_progress', (id) => {
      for (const listener of this.#listeners) listener(id);
    });
  }

  on(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#listeners.clear();
    await this.#unlisten?.().catch(() => undefined);
  }
}
