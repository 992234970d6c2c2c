/** An answer of the shop that is an error, in WordPress's form. */
export class WooRefusal extends Error {
  readonly status: number;
  readonly body: { code: string; message: string; data: unknown };

  constructor(status: number, code: string, message: string, data: object = {}) {
    super(message);
    this.status = status;
    this.body = { code, message, data: { status, ...data } };
  }
}

export function invalidParameter(name: string, message: string, code: string, data: object | null = null): WooRefusal {
  return new WooRefusal(400, 'rest_invalid_param', `Invalid parameter(s): ${name}`, {
    params: { [name]: message },
    details: { [name]: { code, message, data } },
  });
}
