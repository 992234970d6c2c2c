import { createHash } from 'node:crypto';
import type { Clock } from '../runtime/clock.ts';

export interface CachedAnswer {
  readonly body: string;
  readonly etag: string;
}

interface Entry extends CachedAnswer {
  readonly name: string;
  readonly organisation: string;
  readonly tag: string;
  readonly until: number;
  readonly bytes: number;
}

export interface CacheStats {
  readonly entries: number;
  readonly bytes: number;
  readonly most_bytes: number;
  readonly hits: number;
  readonly misses: number;
  readonly evictions: number;
  readonly by_name: Readonly<Record<string, number>>;
}

export interface Wanted {
  readonly name: string;
  readonly organisation: string;
  /** Organisation, mapping and question in one text. */
  readonly key: string;
  readonly tag: string;
  readonly mayKeep: boolean;
  readonly ttl: number;
}

/** Answers by question, worthless once their tag is another one; the longest unused go first. */
export class ReadCache {
  readonly #clock: Clock;
  readonly #mostBytes: number;
  readonly #entries = new Map<string, Entry>();
  readonly #loading = new Map<string, Promise<CachedAnswer>>();
  #bytes = 0;
  #hits = 0;
  #misses = 0;
  #evictions = 0;

  constructor(clock: Clock, mostBytes: number) {
    this.#clock = clock;
    this.#mostBytes = mostBytes;
  }

  /** Many who ask the same at once share one look at the database. */
  async answer(wanted: Wanted, load: () => Promise<string>): Promise<CachedAnswer & { readonly hit: boolean }> {
    const { name, organisation, key, tag, ttl } = wanted;
    const entry = this.#entries.get(key);
    if (entry !== undefined && entry.tag === tag && entry.until > this.#clock.now()) {
      this.#hits += 1;
      this.#entries.delete(key);
      this.#entries.set(key, entry);
      return { body: entry.body, etag: entry.etag, hit: true };
    }
    this.#misses += 1;
    const shared = `${tag} ${key}`;
    let loading = this.#loading.get(shared);
    if (loading === undefined) {
      loading = load()
        .then((body) => {
          const answer = { body, etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 27)}"` };
          if (wanted.mayKeep)
            this.#keep(key, {
              ...answer,
              name,
              organisation,
              tag,
              until: this.#clock.now() + ttl,
              bytes: sizeOf(key, body),
            });
          return answer;
        })
        .finally(() => this.#loading.delete(shared));
      this.#loading.set(shared, loading);
    }
    return { ...(await loading), hit: false };
  }

  /** Names are those of one organisation, when one is given. */
  stats(of?: string): CacheStats {
    const names: Record<string, number> = {};
    for (const { name, organisation } of this.#entries.values()) {
      if (of === undefined || organisation === of) names[name] = (names[name] ?? 0) + 1;
    }
    return {
      entries: this.#entries.size,
      bytes: this.#bytes,
      most_bytes: this.#mostBytes,
      hits: this.#hits,
      misses: this.#misses,
      evictions: this.#evictions,
      by_name: names,
    };
  }

  #keep(key: string, entry: Entry): void {
    this.#drop(key);
    if (entry.bytes > this.#mostBytes) return;
    this.#entries.set(key, entry);
    this.#bytes += entry.bytes;
    while (this.#bytes > this.#mostBytes) {
      const [oldest] = this.#entries.keys();
      if (oldest === undefined) return;
      this.#drop(oldest);
      this.#evictions += 1;
    }
  }

  #drop(key: string): void {
    this.#bytes -= this.#entries.get(key)?.bytes ?? 0;
    this.#entries.delete(key);
  }
}

/** Texts take two bytes a character at worst, and an entry some more. */
function sizeOf(key: string, body: string): number {
  return 2 * (key.length + body.length) + 200;
}
