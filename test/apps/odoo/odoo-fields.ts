import { OdooException, validationError, valueError } from './odoo-exception.ts';

export interface OdooField {
  readonly type: string;
  readonly string?: string;
  readonly required?: boolean;
  readonly readonly?: boolean;
  readonly store?: boolean;
  readonly relation?: string;
  readonly relation_field?: string;
  readonly selection?: readonly (readonly [string, string])[];
  readonly translate?: boolean;
  readonly digits?: readonly [number, number];
  /** A field that is worked out from the others when it is read. */
  readonly compute?: (values: Readonly<Record<string, unknown>>) => unknown;
}

export interface OdooModel {
  readonly name: string;
  readonly title?: string;
  readonly fields: Readonly<Record<string, OdooField>>;
  readonly order?: string;
  readonly transient?: boolean;
  /** A field whose values no two records may share. */
  readonly unique?: string;
  /** A check of the database that `fields_get` does not tell. */
  readonly check?: { readonly needs: string; readonly message: string; readonly constraint: string };
  /** False for a view of the database: no write date, no user. */
  readonly logAccess?: boolean;
  /** False where no record rule guards it: then writing to what is gone does nothing, without a word. */
  readonly guarded?: boolean;
}

const LOGGED: Readonly<Record<string, OdooField>> = {
  create_uid: { type: 'many2one', relation: 'res.users', readonly: true, string: 'Created by' },
  create_date: { type: 'datetime', readonly: true, string: 'Created on' },
  write_uid: { type: 'many2one', relation: 'res.users', readonly: true, string: 'Last Updated by' },
  write_date: { type: 'datetime', readonly: true, string: 'Last Updated on' },
};

/** Every field of a model, those that Odoo adds itself included. */
export function allFields(model: OdooModel): Readonly<Record<string, OdooField>> {
  return {
    id: { type: 'integer', readonly: true, string: 'ID' },
    display_name: { type: 'char', readonly: true, store: false, string: 'Display Name' },
    ...model.fields,
    ...(model.logAccess === false ? {} : LOGGED),
  };
}

/** What `fields_get` says of one field, with only the named attributes. */
export function describeField(name: string, field: OdooField, attributes: readonly string[] | undefined): object {
  const { compute, ...facts } = field;
  const all: Record<string, unknown> = {
    company_dependent: false,
    readonly: false,
    required: false,
    searchable: true,
    sortable: true,
    string: name,
    ...facts,
    store: facts.store ?? compute === undefined,
  };
  if (field.type === 'char' || field.type === 'text') all['translate'] ??= false;
  return Object.fromEntries(
    Object.entries(all).filter(([attribute]) => attributes === undefined || attributes.includes(attribute)),
  );
}

const INT4 = 2_147_483_647;

/** What Odoo makes of a value that it is given: much is taken silently, and some of it is lost. */
export function coerce(model: string, name: string, field: OdooField, value: unknown, version: number): unknown {
  const { type } = field;
  switch (type) {
    case 'char':
    case 'text':
    case 'html':
    case 'reference':
    case 'binary': {
      if (value === null || value === false) return false;
      const text = textOf(value);
      if (text.includes('\0')) throw valueError('A string literal cannot contain NUL (0x00) characters.');
      if (type !== 'html' || version < 16) return text;
      const clean = text.replaceAll(/<script[^]*?<\/script>/g, '');
      return clean === '' || clean.startsWith('<') ? clean : `<p>${clean}</p>`;
    }
    case 'selection':
      if (value === null || value === false) return false;
      if (field.selection?.some(([key]) => key === value)) return value;
      throw valueError(`Wrong value for ${model}.${name}: ${python(value)}`);
    case 'boolean':
      return value !== null && value !== false && value !== 0 && value !== '';
    case 'integer': {
      if (value === null || value === false || value === '') return 0;
      const number = value === true ? 1 : Number(value);
      if (!Number.isInteger(number) && typeof value !== 'number') {
        throw valueError(`invalid literal for int() with base 10: ${python(value)}`);
      }
      if (Math.abs(number) > INT4) {
        throw new OdooException('psycopg2.errors.NumericValueOutOfRange', 'integer out of range\n');
      }
      return Math.trunc(number);
    }
    case 'float':
    case 'monetary': {
      if (value === null || value === false || value === '') return 0;
      const number = Number(value);
      if (Number.isNaN(number)) throw valueError(`could not convert string to float: ${python(value)}`);
      return field.digits === undefined ? number : Number(number.toFixed(field.digits[1]));
    }
    case 'date':
      if (value === null || value === false || value === '') return false;
      return isTime(textOf(value).slice(0, 10), 'T00:00:00')
        ? textOf(value).slice(0, 10)
        : wrongTime(value, '%Y-%m-%d');
    case 'datetime': {
      if (value === null || value === false || value === '') return false;
      const text = textOf(value);
      if (/^\d{4}-\d{2}-\d{2}$/.test(text) && isTime(text, 'T00:00:00')) return `${text} 00:00:00`;
      if (/^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$/.test(text) && isTime(text.replace(' ', 'T'), '')) return text;
      return wrongTime(value, '%Y-%m-%d %H:%M:%S');
    }
    case 'many2one':
      if (value === null || value === false) return false;
      if (typeof value === 'number' && Number.isInteger(value)) return value;
      if (version < 16 && typeof value === 'string') {
        if (/^\d+$/.test(value)) return Number(value);
        throw new OdooException('psycopg2.errors.InvalidTextRepresentation', 'invalid input syntax for type integer\n');
      }
      // The trap: what was just read ([57, "Germany"]) empties the field without a word.
      return false;
    case 'json':
      return value ?? false;
    default:
      throw validationError(`The stand-in cannot write fields of type ${type}.`);
  }
}

function isTime(text: string, rest: string): boolean {
  const time = Date.parse(`${text}${rest}Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}

function wrongTime(value: unknown, format: string): never {
  throw valueError(`time data ${python(value)} does not match format '${format}'`);
}

function python(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : JSON.stringify(value);
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
