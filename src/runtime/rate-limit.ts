import type { Rates } from '../model/rates.ts';
import type { Clock } from './clock.ts';

export type Lane = 'pull' | 'push';

/** What an answer said about the budget. */
export interface BudgetNews {
  /** The app refused for being asked too much; milliseconds it asked us to wait, if it said so. */
  readonly throttled?: { readonly retryAfter?: number };
  /** The app's own count of the points that are left. */
  readonly points?: { readonly available: number; readonly capacity?: number; readonly restorePerSecond?: number };
  /** What the request really cost. */
  readonly cost?: number;
}

/** Held while a request is under way; `settle` gives its place back. */
export interface Permit {
  settle(news?: BudgetNews): void;
}

export interface Limiter {
  /** Resolves when a request of this cost may leave. Pull and push share fairly when both wait. */
  acquire(lane: Lane, cost?: number, signal?: AbortSignal): Promise<Permit>;
  /** What may leave now; points only where the app counts in points. */
  left(): { readonly requests: number; readonly points: number | undefined };
}

/** Several connections of one account can hold one budget together. Knows no timers: it answers how long to wait. */
export class Budget {
  private readonly rates: Omit<Rates, 'concurrency'>;
  private tokens: number;
  private tokensAt: number;
  private points: number;
  private pointsAt: number;
  private capacity: number;
  private restorePerSecond: number;
  private spent = 0;
  private blockedUntil = 0;
  private readonly windows: { readonly requests: number; readonly per: number; readonly slices: Map<number, number> }[];

  constructor(rates: Omit<Rates, 'concurrency'>, now: number) {
    this.rates = rates;
    this.tokens = this.burst;
    this.tokensAt = now;
    this.capacity = rates.points?.capacity ?? Infinity;
    this.restorePerSecond = rates.points?.restorePerSecond ?? 0;
    this.points = this.capacity;
    this.pointsAt = now;
    this.windows = (rates.windows ?? []).map((window) => ({ ...window, slices: new Map() }));
  }

  private get burst(): number {
    return Math.max(1, this.rates.burst ?? 1);
  }

  /** Milliseconds until a request of this cost could leave; 0 when it may now. */
  wait(cost: number, now: number): number {
    this.refill(now);
    const forToken = this.tokens >= 1 - 1e-9 ? 0 : ((1 - this.tokens) / this.rates.requestsPerSecond) * 1000;
    return Math.max(
      this.blockedUntil - now,
      forToken,
      this.waitForPoints(cost),
      ...this.windows.map((window) => waitForWindow(window, now)),
      0,
    );
  }

  /** To be called only after `wait` said 0 for the same moment. */
  take(cost: number, now: number): void {
    this.tokens -= 1;
    this.points -= this.affordable(cost);
    this.spent += this.affordable(cost);
    for (const { per, slices } of this.windows) {
      const slice = Math.floor(now / (per / SLICES));
      slices.set(slice, (slices.get(slice) ?? 0) + 1);
    }
  }

  left(now: number): { requests: number; points: number } {
    this.refill(now);
    return { requests: Math.max(0, Math.floor(this.tokens + 1e-9)), points: Math.max(0, this.points) };
  }

  settle(cost: number, news: BudgetNews, now: number): void {
    this.refill(now);
    this.spent -= this.affordable(cost);
    if (news.points) {
      this.capacity = news.points.capacity ?? this.capacity;
      this.restorePerSecond = news.points.restorePerSecond ?? this.restorePerSecond;
      // The app's count does not know of the requests that are still on their way.
      this.points = Math.min(this.capacity, news.points.available) - this.spent;
    } else if (news.cost !== undefined) {
      this.points += this.affordable(cost) - news.cost;
    }
    if (news.throttled) {
      const wait = Math.max(news.throttled.retryAfter ?? 1000, this.rates.penalty ?? 0);
      this.blockedUntil = Math.max(this.blockedUntil, now + wait);
    }
  }

  private refill(now: number): void {
    const { requestsPerSecond } = this.rates;
    this.tokens = Math.min(this.burst, this.tokens + ((now - this.tokensAt) / 1000) * requestsPerSecond);
    this.tokensAt = now;
    if (this.capacity !== Infinity) {
      this.points = Math.min(this.capacity, this.points + ((now - this.pointsAt) / 1000) * this.restorePerSecond);
    }
    this.pointsAt = now;
  }

  private waitForPoints(cost: number): number {
    const short = this.affordable(cost) - this.points;
    if (short <= 1e-9 || this.capacity === Infinity) return 0;
    return (short / Math.max(this.restorePerSecond, 1e-6)) * 1000;
  }

  /** A request dearer than the whole bucket waits for a full one; the app judges the rest. */
  private affordable(cost: number): number {
    return this.capacity === Infinity ? 0 : Math.min(cost, this.capacity);
  }
}

/** A window slides in steps of a twentieth, on the careful side. */
const SLICES = 20;

function waitForWindow(
  { requests, per, slices }: { requests: number; per: number; slices: Map<number, number> },
  now: number,
): number {
  const width = per / SLICES;
  const oldest = Math.floor(now / width) - SLICES;
  let count = 0;
  let first = Infinity;
  for (const [slice, taken] of slices) {
    if (slice < oldest) slices.delete(slice);
    else {
      count += taken;
      first = Math.min(first, slice);
    }
  }
  return count < requests ? 0 : Math.max(1, (first + SLICES + 1) * width - now);
}

interface Waiter {
  readonly cost: number;
  readonly grant: (permit: Permit) => void;
}

interface Queue {
  readonly waiters: Waiter[];
  /** Grows with every permit; the lane with the smaller number goes first. */
  served: number;
  inFlight: number;
}

/** The limiter of one connection. `shared` holds what the account's connections may ask together. */
export function createLimiter(rates: Rates, clock: Clock, shared?: Budget): Limiter {
  const budgets = [new Budget(rates, clock.now()), ...(shared ? [shared] : [])];
  const lanes: Record<Lane, Queue> = {
    pull: { waiters: [], served: 0, inFlight: 0 },
    push: { waiters: [], served: 0, inFlight: 0 },
  };
  // One place always stays free for the other direction, so that slow pages never stop the writes.
  const perLane = Math.max(1, rates.concurrency - 1);
  let timer: AbortController | undefined;

  const place = (lane: Lane): boolean =>
    lanes.pull.inFlight + lanes.push.inFlight < rates.concurrency && lanes[lane].inFlight < perLane;

  const next = (): Lane | undefined =>
    (['push', 'pull'] as const)
      .filter((lane) => lanes[lane].waiters.length > 0 && place(lane))
      .sort((a, b) => lanes[a].served - lanes[b].served)[0];

  const pump = (): void => {
    timer?.abort();
    timer = undefined;
    for (let lane = next(); lane !== undefined; lane = next()) {
      const queue = lanes[lane];
      const waiter = queue.waiters[0] as Waiter;
      const now = clock.now();
      const wait = Math.max(...budgets.map((budget) => budget.wait(waiter.cost, now)));
      if (wait > 0) {
        pumpLater(wait);
        return;
      }
      queue.waiters.shift();
      queue.served += 1;
      queue.inFlight += 1;
      for (const budget of budgets) budget.take(waiter.cost, now);
      waiter.grant(permit(queue, waiter.cost));
    }
  };

  const pumpLater = (wait: number): void => {
    const mine = new AbortController();
    timer = mine;
    clock.wait(Math.ceil(wait), mine.signal).then(
      () => {
        if (timer === mine) pump();
      },
      () => undefined,
    );
  };

  const permit = (queue: Queue, cost: number): Permit => {
    let settled = false;
    return {
      settle: (news = {}) => {
        if (settled) return;
        settled = true;
        queue.inFlight -= 1;
        // That one connection was throttled says nothing of the others.
        for (const budget of budgets) budget.settle(cost, budget === shared ? {} : news, clock.now());
        pump();
      },
    };
  };

  return {
    acquire: (lane, cost = 1, signal) =>
      new Promise<Permit>((resolve, reject) => {
        if (signal?.aborted) {
          reject(signal.reason as Error);
          return;
        }
        const queue = lanes[lane];
        const other = lanes[lane === 'pull' ? 'push' : 'pull'];
        // A lane that was quiet does not come back with a claim on all the turns it missed.
        if (queue.waiters.length === 0 && queue.inFlight === 0) queue.served = Math.max(queue.served, other.served);
        const leave = (): void => {
          queue.waiters.splice(queue.waiters.indexOf(waiter), 1);
          reject(signal?.reason as Error);
          pump();
        };
        const waiter: Waiter = {
          cost,
          grant: (granted) => {
            signal?.removeEventListener('abort', leave);
            resolve(granted);
          },
        };
        queue.waiters.push(waiter);
        signal?.addEventListener('abort', leave, { once: true });
        pump();
      }),
    left: () => {
      const left = budgets.map((budget) => budget.left(clock.now()));
      const points = Math.min(...left.map((one) => one.points));
      return {
        requests: Math.min(...left.map((one) => one.requests)),
        points: points === Infinity ? undefined : points,
      };
    },
  };
}

const LONGEST_WAIT = 3_600_000;

/**
 * Milliseconds of a Retry-After header: seconds (also `4.0`) or a date, which is read against the app's own clock.
 * What is negative or past is 0; nobody is obeyed for longer than an hour at a time.
 */
export function parseRetryAfter(headers: Readonly<Record<string, string>>, now: number): number | undefined {
  const text = headers['retry-after']?.trim();
  if (text === undefined || text === '') return undefined;
  const seconds = Number(text);
  const appNow = Date.parse(headers['date'] ?? '');
  const wait = Number.isNaN(seconds) ? Date.parse(text) - (Number.isNaN(appNow) ? now : appNow) : seconds * 1000;
  return Number.isNaN(wait) ? undefined : Math.min(Math.max(0, wait), LONGEST_WAIT);
}
