import type { FieldType } from '../../model/field-type.ts';

/** How a value looks in the app; what it becomes above is in `fields.ts`. */
export type CloseKind =
  | 'text'
  | 'uri'
  | 'reference'
  | 'cents'
  | 'integer'
  | 'number'
  | 'boolean'
  | 'date'
  | 'moment'
  | 'choice'
  | 'first'
  | 'list'
  | 'json';

export interface CloseColumn {
  readonly name: string;
  readonly kind: CloseKind;
  readonly writable: boolean;
  readonly required?: boolean;
  readonly refersTo?: string;
  /** Only these parts of a list's items are kept; the app computes the rest. */
  readonly parts?: readonly string[];
  /** The list whose first item this column shows, and the part of that item. */
  readonly firstOf?: { readonly list: string; readonly part: string };
}

interface TableFacts {
  readonly name: string;
  readonly title: string;
  /** Below `/api/v1/`. */
  readonly path: string;
  readonly columns: readonly CloseColumn[];
  /** The word for it in events, searches and webhooks. */
  readonly object: string;
  readonly custom: boolean;
  readonly findBy: readonly string[];
  readonly writable: boolean;
}

/**
 * How a table is read: `search` by the search API; `window` by lists that know times of creation and change;
 * `events` by such lists without a time of change, so that changes come from the event log; `whole` at once.
 */
export type CloseTable = TableFacts & { readonly read: 'search' | 'window' | 'events' | 'whole' };

export const FIELD_TYPE: Readonly<Record<CloseKind, FieldType>> = {
  text: 'string',
  uri: 'uri',
  reference: 'string',
  cents: 'number',
  integer: 'number',
  number: 'number',
  boolean: 'boolean',
  date: 'date',
  moment: 'date-time',
  choice: 'string',
  first: 'string',
  list: 'json',
  json: 'json',
};

const columns = (kind: CloseKind, names: string): CloseColumn[] =>
  names.split(' ').map((name) => ({ name, kind, writable: true }));
const readOnly = (kind: CloseKind, names: string): CloseColumn[] =>
  names.split(' ').map((name) => ({ name, kind, writable: false }));
const list = (name: string, parts: string): CloseColumn => ({
  name,
  kind: 'list',
  writable: true,
  parts: parts.split(' '),
});
const to = (table: string, name: string, writable = true): CloseColumn => ({
  name,
  kind: 'reference',
  writable,
  refersTo: table,
});

const LEAD: CloseColumn = { ...to('leads', 'lead_id'), required: true };
const HISTORY = [
  ...readOnly('moment', 'date_created date_updated'),
  to('users', 'created_by', false),
  to('users', 'updated_by', false),
];
const ACTIVITY = [
  to('contacts', 'contact_id'),
  to('users', 'user_id'),
  ...columns('moment', 'activity_at'),
  ...HISTORY,
];

const searched = { read: 'search', custom: true, writable: true } as const;
const activity = { read: 'events', custom: false, findBy: [], writable: true } as const;
const small = { read: 'whole', custom: false, findBy: [], writable: false } as const;

export const CLOSE_TABLES: readonly CloseTable[] = [
  {
    ...searched,
    name: 'leads',
    title: 'Leads',
    path: 'lead',
    object: 'lead',
    findBy: ['name'],
    columns: [
      ...columns('text', 'name description'),
      ...columns('uri', 'url'),
      to('lead_statuses', 'status_id'),
      list('addresses', 'label address_1 address_2 city state zipcode country'),
      ...readOnly('text', 'status_label display_name source'),
      ...readOnly('uri', 'html_url'),
      ...readOnly('json', 'contact_ids primary_email primary_phone'),
      ...HISTORY,
    ],
  },
  {
    ...searched,
    name: 'contacts',
    title: 'Contacts',
    path: 'contact',
    object: 'contact',
    findBy: ['name'],
    columns: [
      LEAD,
      ...columns('text', 'name title'),
      { name: 'email', kind: 'first', writable: true, firstOf: { list: 'emails', part: 'email' } },
      { name: 'phone', kind: 'first', writable: true, firstOf: { list: 'phones', part: 'phone' } },
      list('emails', 'type email'),
      list('phones', 'type phone'),
      list('urls', 'type url'),
      ...readOnly('text', 'display_name timezone'),
      ...HISTORY,
    ],
  },
  {
    ...searched,
    name: 'opportunities',
    title: 'Opportunities',
    path: 'opportunity',
    object: 'opportunity',
    findBy: [],
    columns: [
      LEAD,
      to('contacts', 'contact_id'),
      to('users', 'user_id'),
      to('opportunity_statuses', 'status_id'),
      ...columns('text', 'note value_period'),
      ...columns('cents', 'value'),
      ...columns('integer', 'confidence'),
      ...columns('date', 'date_won'),
      ...readOnly('cents', 'expected_value annualized_value annualized_expected_value'),
      ...readOnly('text', 'value_currency status_label status_type pipeline_name'),
      to('pipelines', 'pipeline_id', false),
      ...readOnly('moment', 'date_lost'),
      ...readOnly('json', 'attachments'),
      ...HISTORY,
    ],
  },
  {
    read: 'window',
    custom: false,
    findBy: [],
    writable: true,
    name: 'tasks',
    title: 'Tasks of leads',
    path: 'task',
    object: 'task.lead',
    columns: [
      LEAD,
      to('contacts', 'contact_id'),
      to('users', 'assigned_to'),
      // A day, or a moment when the task has a time.
      ...columns('text', 'text date'),
      ...columns('boolean', 'is_complete'),
      ...readOnly('boolean', 'is_dateless'),
      ...HISTORY,
    ],
  },
  {
    ...activity,
    name: 'notes',
    title: 'Notes',
    path: 'activity/note',
    object: 'activity.note',
    columns: [LEAD, ...columns('text', 'note note_html title'), ...columns('boolean', 'pinned'), ...ACTIVITY],
  },
  {
    ...activity,
    name: 'calls',
    title: 'Calls',
    path: 'activity/call',
    object: 'activity.call',
    columns: [
      LEAD,
      ...columns('text', 'direction status phone note note_html outcome_id'),
      ...columns('integer', 'duration'),
      ...columns('uri', 'recording_url voicemail_url'),
      ...readOnly('text', 'source'),
      ...ACTIVITY,
    ],
  },
  {
    ...activity,
    // To write one would be to send it.
    writable: false,
    name: 'emails',
    title: 'E-mails',
    path: 'activity/email',
    object: 'activity.email',
    columns: [
      LEAD,
      ...columns('text', 'subject sender status direction body_text body_html thread_id'),
      ...columns('json', 'to cc bcc attachments'),
      ...ACTIVITY,
    ].map((column) => ({ ...column, writable: false, required: false })),
  },
  {
    ...small,
    name: 'users',
    title: 'Users',
    path: 'user',
    object: 'user',
    columns: readOnly('text', 'email first_name last_name'),
  },
  {
    ...small,
    name: 'lead_statuses',
    title: 'Statuses of leads',
    path: 'status/lead',
    object: 'status.lead',
    columns: readOnly('text', 'label'),
  },
  {
    ...small,
    name: 'opportunity_statuses',
    title: 'Statuses of opportunities',
    path: 'status/opportunity',
    object: 'status.opportunity',
    columns: [...readOnly('text', 'label type'), to('pipelines', 'pipeline_id', false)],
  },
  {
    ...small,
    name: 'pipelines',
    title: 'Pipelines',
    path: 'pipeline',
    object: 'pipeline',
    columns: readOnly('text', 'name'),
  },
];

const CUSTOM = /^custom\.[A-Za-z0-9_-]+$/;

/** A column by name. A custom field travels as it is: its type is the app's to check. */
export function columnOf(table: CloseTable, name: string): CloseColumn | undefined {
  if (table.custom && CUSTOM.test(name)) return { name, kind: 'json', writable: true };
  return table.columns.find((column) => column.name === name);
}

/** Custom fields by the app's word for their type; what it has besides travels as JSON. */
export const CUSTOM_KIND: Readonly<Record<string, CloseKind>> = {
  text: 'text',
  textarea: 'text',
  number: 'number',
  date: 'date',
  datetime: 'moment',
  choices: 'choice',
  user: 'reference',
  contact: 'reference',
};
