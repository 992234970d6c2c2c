/** An answer with an error, in one of the forms that Close has for them. */
export class CloseRefusal extends Error {
  readonly status: number;
  readonly body: unknown;

  constructor(status: number, body: unknown) {
    super(JSON.stringify(body));
    this.status = status;
    this.body = body;
  }
}

export function fieldError(name: string, why: unknown): CloseRefusal {
  return new CloseRefusal(400, { errors: [], 'field-errors': { [name]: why } });
}

export function notFound(): CloseRefusal {
  return new CloseRefusal(404, { error: 'The requested resource was not found.' });
}
