/** How much an app lets one account ask. Times are milliseconds. */
export interface Rates {
  readonly requestsPerSecond: number;
  /** Requests that may leave at once after a pause; default 1. A second can see `burst` more than the rate. */
  readonly burst?: number;
  readonly concurrency: number;
  /** Quotas over longer windows. */
  readonly windows?: readonly { readonly requests: number; readonly per: number }[];
  /** A bucket of points that refills, where requests differ in cost; the app's answers correct it. */
  readonly points?: { readonly capacity: number; readonly restorePerSecond: number };
  /** The least wait after a 429, whatever the answer says. */
  readonly penalty?: number;
}
