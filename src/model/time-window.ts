/** Hours of some days of the week, in a zone that is told apart from it. */
export interface TimeWindow {
  /** Days as cron counts them (`1-5`, `0,6`); left out: every day. */
  readonly days?: string;
  readonly from: string;
  readonly to: string;
}
