import { fieldError, notFound } from './close-refusal.ts';
import { checkCustom, normalPhone, WRITABLE, type CloseField, type CloseKind } from './close-schema.ts';

export type CloseRecord = Readonly<Record<string, unknown>> & { readonly id: string };
export type Actor = 'api' | 'person';

/** One effect that the app accepted; the independent witness of every test. */
export interface CloseEffect {
  readonly actor: Actor;
  readonly op: 'create' | 'update' | 'delete';
  readonly kind: CloseKind;
  readonly id: string;
  /** The fields as they were sent. */
  readonly body: Readonly<Record<string, unknown>>;
}

export interface CloseEvent {
  readonly id: string;
  readonly date_created: string;
  date_updated: string;
  readonly organization_id: string;
  readonly user_id: string;
  readonly request_id: string | null;
  readonly api_key_id: string | null;
  readonly oauth_client_id: null;
  readonly oauth_scope: null;
  readonly object_type: string;
  readonly object_id: string;
  readonly lead_id: string | null;
  readonly action: string;
  changed_fields: string[];
  readonly meta: Readonly<Record<string, unknown>>;
  data: CloseRecord | null;
  previous_data: Readonly<Record<string, unknown>>;
}

export interface CloseStoreOptions {
  readonly now: () => number;
  /** Milliseconds that searches and lists trail the records. */
  readonly lag: number;
  /** Milliseconds for which one update of a record is put into one event with the next. */
  readonly consolidate: number;
  readonly fields: Readonly<Record<'lead' | 'contact' | 'opportunity', readonly CloseField[]>>;
  readonly onEvent: (event: CloseEvent) => void;
}

const PREFIX: Readonly<Record<CloseKind, string>> = {
  lead: 'lead',
  contact: 'cont',
  opportunity: 'oppo',
  task: 'task',
  note: 'acti',
  call: 'acti',
  email: 'acti',
};
const OBJECT: Readonly<Record<CloseKind, string>> = {
  lead: 'lead',
  contact: 'contact',
  opportunity: 'opportunity',
  task: 'task.lead',
  note: 'activity.note',
  call: 'activity.call',
  email: 'activity.email',
};
export const ORGANISATION = 'orga_standin';
export const USER = 'user_standin';
export const LEAD_STATUSES = [
  { id: 'stat_potential', label: 'Potential', organization_id: ORGANISATION },
  { id: 'stat_customer', label: 'Customer', organization_id: ORGANISATION },
];
export const OPPORTUNITY_STATUSES = [
  { id: 'stat_active', label: 'Active', type: 'active', pipeline_id: 'pipe_sales' },
  { id: 'stat_won', label: 'Won', type: 'won', pipeline_id: 'pipe_sales' },
  { id: 'stat_lost', label: 'Lost', type: 'lost', pipeline_id: 'pipe_sales' },
];

interface Version {
  readonly at: number;
  readonly record: CloseRecord | null;
}

/** What an organisation of Close holds, what its index shows of it, and what happened to it. */
export class CloseStore {
  readonly effects: CloseEffect[] = [];
  readonly events: CloseEvent[] = [];
  private readonly options: CloseStoreOptions;
  private readonly kinds = new Map<string, CloseKind>();
  private readonly versions = new Map<string, Version[]>();
  private readonly children = new Map<string, Set<string>>();
  private readonly lastEvents = new Map<string, CloseEvent>();
  private count = 0;

  constructor(options: CloseStoreOptions) {
    this.options = options;
  }

  nextId(prefix: string): string {
    this.count += 1;
    return `${prefix}_${this.count.toString(36).padStart(8, '0')}StandIn`;
  }

  get(kind: CloseKind, id: string): CloseRecord {
    const record = this.find(kind, id);
    if (record === null) throw notFound();
    return this.shown(kind, record);
  }

  /** The record as a read by its id shows it for a moment after it was deleted. */
  getOrJustDeleted(kind: CloseKind, id: string, echo: number): CloseRecord {
    const versions = this.versions.get(id) ?? [];
    const [last, before] = [versions.at(-1), versions.at(-2)];
    if (this.kinds.get(id) === kind && last?.record === null && before?.record && this.options.now() - last.at < echo) {
      return before.record;
    }
    return this.get(kind, id);
  }

  all(kind: CloseKind): CloseRecord[] {
    return [...this.kinds].flatMap(([id, its]) => {
      const record = its === kind ? (this.versions.get(id)?.at(-1)?.record ?? null) : null;
      return record === null ? [] : [this.shown(kind, record)];
    });
  }

  /** What the index has: where each record stands, and the record as it stood there. */
  indexed(kind: CloseKind): CloseRecord[] {
    if (this.options.lag === 0) return this.all(kind);
    const until = this.options.now() - this.options.lag;
    return [...this.kinds].flatMap(([id, its]) => {
      if (its !== kind) return [];
      const record = this.versions.get(id)?.findLast(({ at }) => at <= until)?.record ?? null;
      return record === null ? [] : [this.shown(kind, record)];
    });
  }

  create(kind: CloseKind, body: Readonly<Record<string, unknown>>, actor: Actor): CloseRecord {
    const values = this.accept(kind, body, {});
    let lead = values['lead_id'];
    if (kind !== 'lead') {
      if (kind !== 'contact' && kind !== 'opportunity' && lead === undefined)
        throw fieldError('lead_id', 'This field is required.');
      // Without a word.
      if (lead === undefined || lead === null) lead = this.create('lead', {}, actor).id;
      if (this.find('lead', String(lead)) === null) throw fieldError('lead_id', 'Lead not found.');
    }
    const id = this.nextId(PREFIX[kind]);
    const time = this.time();
    const record: CloseRecord = {
      ...blank(kind),
      ...values,
      ...(kind === 'lead' ? {} : { lead_id: lead }),
      id,
      organization_id: ORGANISATION,
      created_by: USER,
      updated_by: USER,
      date_created: time,
      date_updated: time,
    };
    this.kinds.set(id, kind);
    this.keep(id, record);
    this.effects.push({ actor, op: 'create', kind, id, body });
    if (kind === 'lead' && Array.isArray(body['contacts'])) {
      for (const contact of body['contacts'] as object[]) this.create('contact', { ...contact, lead_id: id }, actor);
    }
    this.log(kind, 'created', this.get(kind, id), {}, actor);
    return this.get(kind, id);
  }

  update(kind: CloseKind, id: string, body: Readonly<Record<string, unknown>>, actor: Actor): CloseRecord {
    const before = this.find(kind, id);
    if (before === null) throw notFound();
    const values = this.accept(kind, body, before);
    const record: CloseRecord = { ...before, ...values, id, updated_by: USER, date_updated: this.time() };
    this.keep(id, record);
    this.effects.push({ actor, op: 'update', kind, id, body });
    const previous = Object.fromEntries(Object.keys(values).map((name) => [name, before[name] ?? null]));
    this.log(kind, 'updated', this.get(kind, id), previous, actor);
    if (kind === 'task' && values['is_complete'] === true && before['is_complete'] !== true) {
      this.event(
        'activity.task_completed',
        'created',
        { id: this.nextId('acti'), task_id: id, lead_id: record['lead_id'] },
        {},
        actor,
      );
    }
    return this.get(kind, id);
  }

  remove(kind: CloseKind, id: string, actor: Actor): void {
    const before = this.find(kind, id);
    if (before === null) throw notFound();
    if (kind === 'lead') {
      for (const [child, its] of this.childrenOf(id)) this.bury(its, child, actor);
    }
    this.effects.push({ actor, op: 'delete', kind, id, body: {} });
    this.bury(kind, id, actor);
  }

  /** The children move to the destination and keep their ids; the source is gone. */
  merge(source: string, destination: string, actor: Actor): void {
    if (this.find('lead', source) === null || this.find('lead', destination) === null) throw notFound();
    for (const [child, kind] of this.childrenOf(source)) this.update(kind, child, { lead_id: destination }, actor);
    const meta = { merge_source_lead_id: source, merge_destination_lead_id: destination };
    this.event('lead', 'merged', this.get('lead', destination), {}, actor, meta);
    this.update('lead', destination, {}, actor);
    this.bury('lead', source, actor, meta);
  }

  private childrenOf(lead: string): [string, CloseKind][] {
    return [...(this.children.get(lead) ?? [])].flatMap((id) => {
      const kind = this.kinds.get(id);
      return kind !== undefined && this.find(kind, id)?.['lead_id'] === lead ? [[id, kind]] : [];
    });
  }

  private bury(kind: CloseKind, id: string, actor: Actor, meta: Readonly<Record<string, unknown>> = {}): void {
    const before = this.get(kind, id);
    this.keep(id, null);
    this.log(kind, 'deleted', before, before, actor, meta);
  }

  private find(kind: CloseKind, id: string): CloseRecord | null {
    return this.kinds.get(id) === kind ? (this.versions.get(id)?.at(-1)?.record ?? null) : null;
  }

  private keep(id: string, record: CloseRecord | null): void {
    const versions = this.versions.get(id) ?? [];
    const lead = record?.['lead_id'];
    if (typeof lead === 'string') this.children.set(lead, (this.children.get(lead) ?? new Set()).add(id));
    // Custom fields that hold nothing are not there at all.
    for (const [name, value] of Object.entries(record ?? {})) {
      if (name.startsWith('custom.') && value === null) delete (record as Record<string, unknown>)[name];
    }
    // What no index and no late reader can ask for any more is forgotten.
    this.versions.set(id, [...versions.slice(-8), { at: this.options.now(), record }]);
  }

  private time(): string {
    return `${new Date(this.options.now()).toISOString().slice(0, -1)}000+00:00`;
  }

  private accept(kind: CloseKind, body: Readonly<Record<string, unknown>>, before: Readonly<Record<string, unknown>>) {
    const values: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(body)) {
      const [, field, way] = /^custom\.([^.]+)(?:\.(add|remove))?$/.exec(name) ?? [];
      if (field !== undefined) {
        Object.assign(values, this.acceptCustom(kind, field, way, value, before));
        continue;
      }
      const check = WRITABLE[kind][name];
      if (check === undefined) continue;
      check(name, value);
      values[name] = value;
    }
    if (values['status'] !== undefined && kind === 'lead') {
      if (values['status_id'] !== undefined) throw fieldError('status', 'Give either status or status_id.');
      values['status_id'] = LEAD_STATUSES.find(({ label }) => label === values['status'])?.id ?? 'stat_unknown';
      delete values['status'];
    }
    const statuses = kind === 'opportunity' ? OPPORTUNITY_STATUSES : LEAD_STATUSES;
    if (values['status_id'] !== undefined && !statuses.some(({ id }) => id === values['status_id'])) {
      throw fieldError('status_id', 'Status not found.');
    }
    if (Array.isArray(values['emails'])) {
      values['emails'] = values['emails'].map((one: object) => ({ type: 'office', is_unsubscribed: false, ...one }));
    }
    if (Array.isArray(values['phones'])) {
      values['phones'] = (values['phones'] as Record<string, unknown>[]).map((one) => {
        const phone = normalPhone(one['phone']);
        return { type: 'office', ...one, phone, phone_formatted: phone, country: 'US' };
      });
    }
    if (Array.isArray(values['addresses'])) {
      const empty = {
        label: 'business',
        address_1: null,
        address_2: null,
        city: null,
        state: null,
        zipcode: null,
        country: null,
      };
      values['addresses'] = values['addresses'].map((one: object) => ({ ...empty, ...one }));
    }
    if (typeof values['date_won'] === 'string') values['date_won'] = values['date_won'].slice(0, 10);
    return values;
  }

  private acceptCustom(
    kind: CloseKind,
    id: string,
    way: string | undefined,
    value: unknown,
    before: Readonly<Record<string, unknown>>,
  ): Record<string, unknown> {
    const fields = kind === 'lead' || kind === 'contact' || kind === 'opportunity' ? this.options.fields[kind] : [];
    const field = fields.find((one) => one.id === id);
    const name = `custom.${id}`;
    if (field === undefined) throw fieldError(name, 'Custom field not found.');
    const present = (before[name] ?? []) as unknown[];
    const wanted =
      way === 'add' ? [...present, value] : way === 'remove' ? present.filter((one) => one !== value) : value;
    checkCustom(name, field, wanted);
    return { [name]: wanted };
  }

  /** What the app computes when it shows a record. */
  private shown(kind: CloseKind, record: CloseRecord): CloseRecord {
    if (kind === 'lead') {
      const contacts = this.childrenOf(record.id).flatMap(([id, its]) => {
        const contact = its === 'contact' ? this.find('contact', id) : null;
        return contact === null ? [] : [contact];
      });
      return {
        ...record,
        display_name: record['name'] ?? '',
        status_label: LEAD_STATUSES.find(({ id }) => id === record['status_id'])?.label,
        html_url: `https://app.close.com/lead/${record.id}/`,
        contact_ids: contacts.map(({ id }) => id),
        contacts,
      };
    }
    if (kind === 'contact') return { ...record, display_name: record['name'] ?? '' };
    if (kind === 'opportunity') {
      const status = OPPORTUNITY_STATUSES.find(({ id }) => id === record['status_id']);
      const value = record['value'] as number | null;
      const expected = value === null ? null : Math.round((value * Number(record['confidence'])) / 100);
      return {
        ...record,
        status_label: status?.label,
        status_type: status?.type,
        pipeline_id: status?.pipeline_id,
        pipeline_name: 'Sales',
        expected_value: expected,
        annualized_value: value,
        annualized_expected_value: expected,
        value_formatted: value === null ? null : `$${String(value / 100)}`,
        value_currency: 'USD',
      };
    }
    return record;
  }

  private log(
    kind: CloseKind,
    action: string,
    record: CloseRecord,
    previous: Readonly<Record<string, unknown>>,
    actor: Actor,
    meta: Readonly<Record<string, unknown>> = {},
  ): void {
    const last = this.lastEvents.get(record.id);
    const now = this.options.now();
    if (
      action === 'updated' &&
      last?.action === 'updated' &&
      now - Date.parse(`${last.date_updated}Z`) < this.options.consolidate
    ) {
      last.date_updated = bare(now);
      last.changed_fields = [...new Set([...last.changed_fields, ...Object.keys(previous)])];
      last.data = record;
      last.previous_data = { ...previous, ...last.previous_data };
      this.options.onEvent(last);
      return;
    }
    this.event(OBJECT[kind], action, record, previous, actor, meta);
  }

  private event(
    object: string,
    action: string,
    record: CloseRecord,
    previous: Readonly<Record<string, unknown>>,
    actor: Actor,
    meta: Readonly<Record<string, unknown>> = {},
  ): void {
    const time = bare(this.options.now());
    const event: CloseEvent = {
      id: this.nextId('ev'),
      date_created: time,
      date_updated: time,
      organization_id: ORGANISATION,
      user_id: USER,
      request_id: actor === 'api' ? this.nextId('req') : null,
      api_key_id: actor === 'api' ? 'api_key_standin' : null,
      oauth_client_id: null,
      oauth_scope: null,
      object_type: object,
      object_id: record.id,
      lead_id: object === 'lead' ? record.id : ((record['lead_id'] as string | undefined) ?? null),
      action,
      changed_fields: action === 'updated' ? Object.keys(previous) : [],
      meta: { request_path: null, request_method: null, ...meta },
      data: action === 'deleted' ? null : record,
      previous_data: previous,
    };
    this.events.push(event);
    this.lastEvents.set(record.id, event);
    this.options.onEvent(event);
  }
}

/** Times in the event log have no zone. */
function bare(at: number): string {
  return `${new Date(at).toISOString().slice(0, -1)}000`;
}

function blank(kind: CloseKind): Record<string, unknown> {
  const activity = { contact_id: null, user_id: USER, users: [], activity_at: null, user_name: 'Stand In' };
  switch (kind) {
    case 'lead':
      return {
        name: null,
        description: '',
        url: null,
        status_id: 'stat_potential',
        addresses: [],
        opportunities: [],
        tasks: [],
        source: null,
        primary_email: null,
        primary_phone: null,
        integration_links: [],
      };
    case 'contact':
      return { name: '', title: '', emails: [], phones: [], urls: [], timezone: null, integration_links: [] };
    case 'opportunity':
      return {
        contact_id: null,
        user_id: USER,
        status_id: 'stat_active',
        value: null,
        value_period: 'one_time',
        confidence: 50,
        date_won: null,
        date_lost: null,
        note: '',
        attachments: [],
      };
    case 'task':
      return {
        _type: 'lead',
        contact_id: null,
        assigned_to: USER,
        text: '',
        date: null,
        is_complete: false,
        is_dateless: true,
      };
    case 'note':
      return { _type: 'Note', ...activity, note: '', note_html: null, title: null, pinned: false };
    case 'call':
      return {
        _type: 'Call',
        ...activity,
        direction: 'outbound',
        status: 'completed',
        phone: null,
        note: '',
        note_html: null,
        duration: 0,
        source: 'External',
        outcome_id: null,
        recording_url: null,
        voicemail_url: null,
      };
    case 'email':
      return {
        _type: 'Email',
        ...activity,
        subject: '',
        to: [],
        cc: [],
        bcc: [],
        sender: null,
        status: 'inbox',
        direction: 'incoming',
        body_text: '',
        body_html: '',
        thread_id: null,
        attachments: [],
      };
  }
}
