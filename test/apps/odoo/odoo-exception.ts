/** An exception as Odoo names it over RPC. */
export class OdooException extends Error {
  readonly pythonName: string;
  readonly status: number | undefined;

  constructor(name: string, message: string, status?: number) {
    super(message);
    this.pythonName = name;
    this.status = status;
  }
}

export const valueError = (message: string): OdooException => new OdooException('builtins.ValueError', message);
export const accessError = (message: string): OdooException =>
  new OdooException('odoo.exceptions.AccessError', message);
export const validationError = (message: string): OdooException =>
  new OdooException('odoo.exceptions.ValidationError', message);
export const userError = (message: string): OdooException => new OdooException('odoo.exceptions.UserError', message);

export function missingError(model: string, id: number, user: number): OdooException {
  return new OdooException(
    'odoo.exceptions.MissingError',
    `Record does not exist or has been deleted.\n(Record: ${model}(${String(id)},), User: ${String(user)})`,
  );
}
