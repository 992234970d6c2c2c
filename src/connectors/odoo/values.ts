import type { FieldType } from '../../model/field-type.ts';
import { Fault, type FaultCode } from '../../model/fault.ts';
import type { FieldValue } from '../../model/record.ts';
import type { AppType } from '../connector.ts';
import type { FieldInfo } from './client.ts';

export const ODOO_TYPES: readonly AppType[] = [
  { name: 'char', type: 'string', writable: true, note: 'Translated texts in the connection’s language only.' },
  { name: 'text', type: 'string', writable: true, note: 'Translated texts in the connection’s language only.' },
  { name: 'html', type: 'string', writable: true, note: 'Odoo cleans and wraps what is written.' },
  { name: 'selection', type: 'string', writable: true, note: 'The stored value, not the label.' },
  { name: 'reference', type: 'string', writable: true, note: 'model,id' },
  { name: 'integer', type: 'number', writable: true, note: 'Odoo has no empty integer: null becomes 0.' },
  { name: 'float', type: 'number', writable: true, note: 'A double, rounded to the field’s digits; null becomes 0.' },
  { name: 'monetary', type: 'number', writable: true, note: 'Rounded to the currency; null becomes 0.' },
  { name: 'boolean', type: 'boolean', writable: true, note: 'Null becomes false.' },
  { name: 'date', type: 'date', writable: true },
  { name: 'datetime', type: 'date-time', writable: true, note: 'Kept to the second.' },
  { name: 'many2one', type: 'string', writable: true, note: 'The id of the other record as text.' },
  { name: 'many2one_reference', type: 'string', writable: true, note: 'An id; the model is in another field.' },
  {
    name: 'one2many',
    type: 'json',
    writable: true,
    note: 'Ids in ascending order; write ids (replaces all) or Odoo commands.',
  },
  {
    name: 'many2many',
    type: 'json',
    writable: true,
    note: 'Ids in ascending order; write ids (replaces all) or Odoo commands.',
  },
  { name: 'binary', type: 'string', writable: true, note: 'Base64.' },
  { name: 'image', type: 'string', writable: true, note: 'Base64; Odoo makes smaller copies itself.' },
  { name: 'json', type: 'json', writable: false },
  { name: 'properties', type: 'json', writable: false },
  { name: 'properties_definition', type: 'json', writable: false },
];

const BY_NAME = new Map(ODOO_TYPES.map((type) => [type.name, type]));

export function fieldTypeOf(odooType: string): FieldType {
  return BY_NAME.get(odooType)?.type ?? 'json';
}

export function isWritableType(odooType: string): boolean {
  return BY_NAME.get(odooType)?.writable ?? false;
}

const MAX_ID = 2_147_483_647;

/** The record id in a text or a number; undefined when no record can have it. */
export function toId(value: unknown): number | undefined {
  const number = typeof value === 'string' && /^[1-9]\d{0,9}$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isInteger(number) && number > 0 && number <= MAX_ID ? number : undefined;
}

/** Why a value that Odoo showed cannot be believed. */
export class StrangeValue extends Error {}

const ODOO_TIME = /^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}(\.\d+)?$/;

/** A value as Odoo shows it, made plain: its `false` is null except in a boolean field. */
export function fromOdoo(type: string, value: unknown): FieldValue {
  if (type === 'boolean') {
    if (typeof value === 'boolean') return value;
    throw new StrangeValue('a boolean field shows no boolean');
  }
  if (value === false || value === null) return null;
  switch (type) {
    case 'datetime':
      if (typeof value !== 'string' || !ODOO_TIME.test(value)) throw new StrangeValue('this is no date-time of Odoo');
      return `${value.replace(' ', 'T')}Z`;
    case 'date':
      if (typeof value !== 'string' || !/^\d{4}-\d{2}-\d{2}$/.test(value)) {
        throw new StrangeValue('this is no date of Odoo');
      }
      return value;
    case 'many2one':
    case 'many2one_reference': {
      const id: unknown = Array.isArray(value) ? value[0] : value;
      if (id === 0) return null;
      if (toId(id) === undefined) throw new StrangeValue('this is no reference to a record');
      return String(id);
    }
    case 'one2many':
    case 'many2many':
      if (!Array.isArray(value) || value.some((id) => typeof id !== 'number')) {
        throw new StrangeValue('this is no list of ids');
      }
      return [...(value as number[])].sort((a, b) => a - b);
    default:
      return value as FieldValue;
  }
}

/** A plain value as Odoo takes it. Odoo turns what it does not understand into nothing, so this refuses first. */
export function toOdoo(column: string, { type, selection }: FieldInfo, value: FieldValue): unknown {
  const refuse = (why: string, code: FaultCode = 'VALUE_REFUSED'): Fault =>
    new Fault(code, `Odoo’s field "${column}" (${type}) cannot take the value: ${why}.`, { column });
  if (value === null) {
    if (type === 'one2many' || type === 'many2many') return [[5, 0, 0]];
    return type === 'integer' || type === 'float' || type === 'monetary' ? 0 : false;
  }
  switch (type) {
    case 'boolean':
      if (value === true || value === 'true') return true;
      if (value === false || value === 'false') return false;
      throw refuse('it is neither true nor false');
    case 'integer': {
      const number = numberIn(value);
      if (number === undefined || !Number.isInteger(number)) throw refuse('it is no whole number');
      if (Math.abs(number) > MAX_ID) throw refuse('it is beyond 2147483647', 'NUMERIC_OUT_OF_RANGE');
      return number;
    }
    case 'float':
    case 'monetary': {
      const number = numberIn(value);
      if (number === undefined) throw refuse('it is no number');
      if (!Number.isFinite(number)) throw refuse('it is beyond a double', 'NUMERIC_OUT_OF_RANGE');
      return number;
    }
    case 'date':
      if (typeof value !== 'string' || !isDay(value)) throw refuse('it is no date like 2026-01-31');
      return value;
    case 'datetime':
      return dateTime(value, refuse);
    case 'many2one':
    case 'many2one_reference': {
      const id = toId(value);
      if (id === undefined) throw refuse('it is no id of a record');
      return id;
    }
    case 'one2many':
    case 'many2many':
      return commands(value, refuse);
    case 'selection': {
      const text = textIn(value);
      if (text === undefined || (selection && !selection.includes(text))) {
        throw refuse(`it is none of ${(selection ?? []).map(String).join(', ')}`);
      }
      return text;
    }
    default: {
      const text = textIn(value);
      if (text === undefined) throw refuse('it is no text');
      if (text.includes('\0')) throw refuse('it has a NUL character', 'INVALID_CHARACTER');
      return text;
    }
  }
}

type Refuse = (why: string, code?: FaultCode) => Fault;

/** Odoo wants exactly `YYYY-MM-DD HH:MM:SS` in UTC; a fraction of a second is dropped. */
function dateTime(value: FieldValue, refuse: Refuse): string {
  const zoned = typeof value === 'string' && /^\d{4,}-\d{2}-\d{2}T.*(Z|[+-]\d{2}:?\d{2})$/i.test(value);
  const time = zoned ? Date.parse(value) : NaN;
  if (Number.isNaN(time)) throw refuse('it is no date-time with a zone');
  const text = new Date(time).toISOString();
  if (!/^[0-9]{4}-/.test(text) || text.startsWith('0000'))
    throw refuse('its year has no four digits', 'DATE_OUT_OF_RANGE');
  return text.slice(0, 19).replace('T', ' ');
}

/** A list of ids replaces all links; a list of lists is Odoo's own commands. */
function commands(value: FieldValue, refuse: Refuse): unknown {
  if (!Array.isArray(value)) throw refuse('it is neither a list of ids nor a list of commands');
  const list = value as readonly FieldValue[];
  if (list.length > 0 && list.every((entry) => Array.isArray(entry))) {
    if (list.every((entry) => typeof entry[0] === 'number' && entry[0] >= 0 && entry[0] <= 6)) return list;
    throw refuse('a command is a list that begins with a number from 0 to 6');
  }
  const ids = list.map(toId);
  if (ids.includes(undefined)) throw refuse('it is neither a list of ids nor a list of commands');
  return [[6, 0, ids]];
}

function numberIn(value: FieldValue): number | undefined {
  if (typeof value === 'number') return value;
  return typeof value === 'string' && /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(value) ? Number(value) : undefined;
}

function textIn(value: FieldValue): string | undefined {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : undefined;
}

function isDay(value: string): boolean {
  const time = /^\d{4}-\d{2}-\d{2}$/.test(value) ? Date.parse(`${value}T00:00:00Z`) : NaN;
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(value);
}
