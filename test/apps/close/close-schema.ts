import { fieldError } from './close-refusal.ts';

export type CloseKind = 'lead' | 'contact' | 'opportunity' | 'task' | 'note' | 'call' | 'email';

export interface CloseField {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly accepts_multiple_values?: boolean;
  readonly choices?: readonly string[];
}

type Check = (name: string, value: unknown) => void;

const refuseUnless =
  (good: (value: unknown) => boolean, why: string): Check =>
  (name, value) => {
    if (value !== null && !good(value)) throw fieldError(name, why);
  };

const text = refuseUnless((value) => typeof value === 'string', 'Input should be a valid string');
const whole = refuseUnless((value) => Number.isSafeInteger(value), 'Input should be a valid integer');
const number = refuseUnless((value) => typeof value === 'number', 'Input should be a valid number');
const yesNo = refuseUnless((value) => typeof value === 'boolean', 'Input should be a valid boolean');
const date = refuseUnless(
  (value) => typeof value === 'string' && /^\d{4}-\d\d-\d\d/.test(value) && !Number.isNaN(Date.parse(value)),
  'Input should be a valid date',
);
const moment = refuseUnless(
  (value) => typeof value === 'string' && /T.*(Z|[+-]\d\d:\d\d)$/.test(value) && !Number.isNaN(Date.parse(value)),
  'Input should be a valid datetime',
);
const oneOf = (...choices: string[]): Check =>
  refuseUnless(
    (value) => typeof value === 'string' && choices.includes(value),
    `Input should be one of ${choices.join(', ')}`,
  );
const percent = refuseUnless(
  (value) => Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 100,
  'Input should be between 0 and 100',
);
const list =
  (
    known: readonly string[],
    item: (value: Record<string, unknown>, at: number, name: string) => void = () => {},
  ): Check =>
  (name, value) => {
    if (!Array.isArray(value)) throw fieldError(name, 'Input should be a valid list');
    value.forEach((one: unknown, at) => {
      if (typeof one !== 'object' || one === null) throw fieldError(name, { [at]: 'Input should be an object' });
      const strange = Object.keys(one).find((key) => !known.includes(key));
      if (strange !== undefined) throw fieldError(name, { [at]: { [strange]: 'Extra inputs are not permitted' } });
      item(one as Record<string, unknown>, at, name);
    });
  };

const emails = list(['type', 'email'], ({ email }, at, name) => {
  if (typeof email !== 'string' || !/^[^@\s]+@[^@\s]+$/.test(email))
    throw fieldError(name, { [at]: { email: 'Not a valid email address.' } });
});
const phones = list(['type', 'phone'], ({ phone }, at, name) => {
  if (normalPhone(phone) === undefined) throw fieldError(name, { [at]: { phone: 'Not a valid phone number.' } });
});

/** E.164, the way the app keeps it; a number without a country is American. */
export function normalPhone(phone: unknown): string | undefined {
  const digits = typeof phone === 'string' ? phone.replace(/[^\d+]/g, '') : '';
  if (/^\+\d{8,15}$/.test(digits)) return digits;
  return /^\d{10}$/.test(digits) ? `+1${digits}` : undefined;
}

const activity = { lead_id: text, contact_id: text, user_id: text, activity_at: moment };

/** What can be written; names that are not here are taken and forgotten. */
export const WRITABLE: Readonly<Record<CloseKind, Readonly<Record<string, Check>>>> = {
  lead: {
    name: text,
    description: text,
    url: text,
    status_id: text,
    status: text,
    addresses: list(['label', 'address_1', 'address_2', 'city', 'state', 'zipcode', 'country']),
  },
  contact: { lead_id: text, name: text, title: text, emails, phones, urls: list(['type', 'url']) },
  opportunity: {
    lead_id: text,
    contact_id: text,
    user_id: text,
    status_id: text,
    note: text,
    value: whole,
    value_period: oneOf('one_time', 'monthly', 'annual'),
    confidence: percent,
    date_won: date,
  },
  task: { lead_id: text, contact_id: text, assigned_to: text, text, date, is_complete: yesNo },
  note: { ...activity, note: text, note_html: text, title: text, pinned: yesNo },
  call: {
    ...activity,
    direction: oneOf('inbound', 'outbound'),
    status: oneOf('created', 'in-progress', 'completed', 'cancel', 'no-answer', 'busy', 'failed', 'timeout'),
    phone: text,
    note: text,
    note_html: text,
    outcome_id: text,
    duration: whole,
    recording_url: text,
    voicemail_url: text,
  },
  email: { ...activity, subject: text },
};

export function checkCustom(
  name: string,
  { type, accepts_multiple_values: several, choices }: CloseField,
  value: unknown,
): void {
  if (value === null) return;
  const one = (item: unknown): void => {
    if (type === 'number') number(name, item);
    else if (type === 'date') date(name, item);
    else if (type === 'datetime') moment(name, item);
    else text(name, item);
    if (choices && !choices.includes(item as string))
      throw fieldError(name, `${JSON.stringify(item)} is not a valid choice`);
  };
  if (!several) one(value);
  else if (Array.isArray(value)) value.forEach(one);
  else throw fieldError(name, 'Input should be a valid list');
}
