/** What Sheets answers instead of doing what it was asked. */
export class Refusal extends Error {
  readonly status: number;
  readonly word: string;
  readonly details: readonly unknown[];

  constructor(status: number, word: string, message: string, details: readonly unknown[] = []) {
    super(message);
    this.status = status;
    this.word = word;
    this.details = details;
  }
}

export function invalid(message: string): Refusal {
  return new Refusal(400, 'INVALID_ARGUMENT', message);
}
