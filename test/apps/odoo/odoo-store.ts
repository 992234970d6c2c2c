import { compare, matches, mentions } from './odoo-domain.ts';
import { accessError, missingError, OdooException, userError, validationError, valueError } from './odoo-exception.ts';
import { allFields, coerce, describeField, type OdooField, type OdooModel } from './odoo-fields.ts';

export type Values = Readonly<Record<string, unknown>>;

/** One effect that the server committed: the independent witness of every test. */
export interface OdooJournalEntry {
  readonly seq: number;
  readonly actor: 'api' | 'person';
  readonly model: string;
  readonly op: 'create' | 'update' | 'delete';
  readonly id: number;
  readonly values: Values;
  readonly context: Values;
}

export interface OdooRow {
  readonly id: number;
  readonly values: Record<string, unknown>;
  readonly translations: Record<string, Record<string, unknown>>;
  /** Milliseconds, with the fractions that the API never shows. */
  writtenAt: number;
  readonly createdAt: number;
  writtenBy: number;
  readonly createdBy: number;
}

export interface Env {
  readonly user: number;
  readonly actor: 'api' | 'person';
  readonly context: Values;
  /** The start of the transaction: every write date of it. */
  readonly time: number;
}

interface Table {
  readonly model: OdooModel;
  readonly fields: Readonly<Record<string, OdooField>>;
  readonly rows: Map<number, OdooRow>;
  next: number;
}

export interface OdooStoreOptions {
  readonly models: readonly OdooModel[];
  /** The major version: 14, 16 or 19. */
  readonly version: number;
}

const DATA_MODEL: OdooModel = {
  name: 'ir.model.data',
  fields: {
    module: { type: 'char', required: true },
    name: { type: 'char', required: true },
    model: { type: 'char', required: true },
    res_id: { type: 'integer' },
    complete_name: {
      type: 'char',
      compute: ({ module, name }) => [module, name].filter(Boolean).join('.'),
    },
  },
};

/** Models, records and the rules of Odoo's ORM that a client can notice. */
export class OdooStore {
  readonly journal: OdooJournalEntry[] = [];
  /** Records that a record rule keeps from the API's user, as `model,id`. */
  readonly barred = new Set<string>();
  /** Models that the API's user may not read at all. */
  readonly deniedModels = new Set<string>();
  private readonly tables = new Map<string, Table>();
  private readonly version: number;
  private undo: (() => void)[] | undefined;

  constructor({ models, version }: OdooStoreOptions) {
    this.version = version;
    for (const model of [DATA_MODEL, ...models]) {
      this.tables.set(model.name, { model, fields: allFields(model), rows: new Map(), next: 1 });
    }
    this.describeItself();
  }

  /** The catalogue, as rows of Odoo's own models. */
  private describeItself(): void {
    const text: OdooField = { type: 'char' };
    const flag: OdooField = { type: 'boolean' };
    const catalogue: OdooModel[] = [
      { name: 'ir.model', order: 'model', fields: { model: text, name: text, transient: flag, state: text } },
      {
        name: 'ir.model.fields',
        order: 'name',
        fields: {
          model: text,
          name: text,
          field_description: text,
          ttype: text,
          relation: text,
          required: flag,
          readonly: flag,
          store: flag,
        },
      },
    ];
    for (const model of catalogue) {
      this.tables.set(model.name, { model, fields: allFields(model), rows: new Map(), next: 1 });
    }
    const env: Env = { user: 1, actor: 'person', context: {}, time: 0 };
    const all = [...this.tables.values()];
    for (const { model, fields } of all) {
      this.create('ir.model', env, [
        { model: model.name, name: model.title ?? model.name, transient: model.transient ?? false, state: 'base' },
      ]);
      const rows = Object.entries(fields).map(([name, field]) => ({
        model: model.name,
        name,
        field_description: field.string ?? name,
        ttype: field.type,
        relation: field.relation ?? false,
        required: field.required ?? false,
        readonly: field.readonly ?? false,
        store: field.store ?? field.compute === undefined,
      }));
      this.create('ir.model.fields', env, rows);
    }
    this.journal.length = 0;
  }

  has(model: string): boolean {
    return this.tables.has(model);
  }

  rows(model: string): readonly OdooRow[] {
    return [...this.table(model).rows.values()];
  }

  /** Runs one call as one transaction: what fails leaves nothing. */
  transaction<Result>(work: () => Result): Result {
    const undo: (() => void)[] = [];
    this.undo = undo;
    const written = this.journal.length;
    try {
      return work();
    } catch (error) {
      for (const step of undo.reverse()) step();
      this.journal.length = written;
      throw error;
    } finally {
      this.undo = undefined;
    }
  }

  fieldsGet(model: string, names: readonly string[] | undefined, attributes: readonly string[] | undefined): Values {
    const { fields } = this.table(model);
    return Object.fromEntries(
      Object.entries(fields)
        .filter(([name]) => names === undefined || names.length === 0 || names.includes(name))
        .map(([name, field]) => [name, describeField(name, field, attributes)]),
    );
  }

  create(model: string, env: Env, list: readonly Values[]): number[] {
    const table = this.table(model);
    return list.map((values) => {
      const id = table.next;
      // A sequence never takes a number back, whatever becomes of the transaction.
      table.next += 1;
      const defaults = Object.fromEntries(
        Object.entries(table.fields).flatMap(([name, field]) =>
          name in values || field.compute || field.type === 'one2many' ? [] : [[name, emptyOf(name, field)]],
        ),
      );
      const row: OdooRow = {
        id,
        values: {},
        translations: {},
        writtenAt: env.time,
        createdAt: env.time,
        writtenBy: env.user,
        createdBy: env.user,
      };
      table.rows.set(id, row);
      this.undo?.push(() => table.rows.delete(id));
      Object.assign(row.values, defaults);
      this.assign(table, row, env, values, 'create');
      this.check(table, row);
      this.note(env, model, 'create', id, values);
      return id;
    });
  }

  write(model: string, env: Env, ids: readonly number[], values: Values): true {
    const table = this.table(model);
    const there = table.model.guarded === false ? ids.filter((id) => table.rows.has(id)) : ids;
    for (const row of this.existing(table, env, there)) {
      const before = { values: { ...row.values }, writtenAt: row.writtenAt, writtenBy: row.writtenBy };
      this.undo?.push(() => {
        Object.assign(row, { writtenAt: before.writtenAt, writtenBy: before.writtenBy });
        Object.assign(row.values, before.values);
      });
      this.assign(table, row, env, values, 'write');
      row.writtenAt = env.time;
      row.writtenBy = env.user;
      this.check(table, row);
      this.note(env, model, 'update', row.id, values);
    }
    return true;
  }

  unlink(model: string, env: Env, ids: readonly number[]): true {
    const table = this.table(model);
    const there = table.model.guarded === false ? ids.filter((id) => table.rows.has(id)) : ids;
    for (const row of this.existing(table, env, there)) {
      table.rows.delete(row.id);
      this.undo?.push(() => table.rows.set(row.id, row));
      this.note(env, model, 'delete', row.id, {});
    }
    return true;
  }

  read(model: string, env: Env, ids: readonly number[], names: readonly string[] | undefined, load: unknown): Values[] {
    const table = this.table(model);
    if (this.deniedModels.has(model) && env.actor === 'api') throw denied(table.model);
    const unknown = names?.find((name) => !(name in table.fields));
    if (unknown !== undefined) throw valueError(`Invalid field '${unknown}' on '${model}'`);
    return ids.flatMap((id) => {
      const row = table.rows.get(id);
      // It does not look for what it need not read.
      if (row === undefined) return this.version === 14 && names?.every((name) => name === 'id') ? [{ id }] : [];
      if (!this.visible(table, row, env)) throw ruled(table.model);
      const shown = names ?? Object.keys(table.fields);
      return [{ id, ...Object.fromEntries(shown.map((name) => [name, this.show(table, row, name, env, load)])) }];
    });
  }

  search(
    model: string,
    env: Env,
    domain: readonly unknown[],
    options: {
      readonly offset?: number;
      readonly limit?: number | null | false;
      readonly order?: string | null | false;
    },
  ): number[] {
    const table = this.table(model);
    if (this.deniedModels.has(model) && env.actor === 'api') throw denied(table.model);
    const hides = 'active' in table.fields && env.context['active_test'] !== false && !mentions(domain, 'active');
    const condition =
      (row: OdooRow) =>
      (name: string, operator: string, value: unknown): boolean =>
        this.holds(table, row, env, name, operator, value);
    // A bad domain is refused on an empty table too.
    matches(domain, (name) => {
      this.fieldOf(table, name, domain);
      return true;
    });
    const found = [...table.rows.values()].filter(
      (row) =>
        this.visible(table, row, env) && (!hides || row.values['active'] === true) && matches(domain, condition(row)),
    );
    const order = parseOrder(options.order || table.model.order || 'name, id', table);
    found.sort((a, b) => {
      for (const { name, sign } of order) {
        const [one, two] = [this.keyOf(a, name), this.keyOf(b, name)];
        if (one !== two) return (one as string) < (two as string) ? -sign : sign;
      }
      return a.id - b.id;
    });
    const limit = options.limit ?? 0;
    if (typeof limit === 'number' && limit < 0) {
      throw new OdooException('psycopg2.errors.InvalidRowCountInLimitClause', 'LIMIT must not be negative\n');
    }
    const from = options.offset ?? 0;
    return found.slice(from, limit ? from + Number(limit) : undefined).map(({ id }) => id);
  }

  private table(model: string): Table {
    const table = this.tables.get(model);
    if (table === undefined) throw userError(`Object ${model} doesn't exist`);
    return table;
  }

  private existing(table: Table, env: Env, ids: readonly number[]): OdooRow[] {
    return ids.map((id) => {
      const row = table.rows.get(id);
      if (row === undefined) throw missingError(table.model.name, id, env.user);
      if (!this.visible(table, row, env)) throw ruled(table.model);
      return row;
    });
  }

  /** Record rules and companies; a person at the screen here sees everything. */
  private visible(table: Table, row: OdooRow, env: Env): boolean {
    if (env.actor === 'person') return true;
    if (this.barred.has(`${table.model.name},${String(row.id)}`)) return false;
    const company = row.values['company_id'];
    if (typeof company !== 'number') return true;
    const allowed = env.context['allowed_company_ids'];
    return (Array.isArray(allowed) ? allowed : [1]).includes(company);
  }

  private assign(table: Table, row: OdooRow, env: Env, values: Values, op: 'create' | 'write'): void {
    const { model, fields } = table;
    for (const [name, value] of Object.entries(values)) {
      const field = fields[name];
      if (field === undefined) {
        if (op === 'write' && this.version >= 19) throw new OdooException('builtins.KeyError', name);
        throw valueError(`Invalid field '${name}' ${this.version >= 19 ? 'in' : 'on model'} '${model.name}'`);
      }
      if (name === 'id' || name === 'display_name' || /^(create|write)_(uid|date)$/.test(name)) continue;
      if (field.type === 'many2many' || field.type === 'one2many') {
        this.link(field, name, row, env, value);
        continue;
      }
      if (field.compute) continue;
      const kept = coerce(model.name, name, field, value, this.version);
      if (field.type === 'many2one' && typeof kept === 'number') this.checkReference(model, name, field, kept, env);
      const language = env.context['lang'];
      if (field.translate && typeof language === 'string' && language !== 'en_US' && op === 'write') {
        row.translations[name] = { ...row.translations[name], [language]: kept };
      } else {
        row.values[name] = kept;
      }
    }
  }

  private checkReference(model: OdooModel, name: string, field: OdooField, id: number, env: Env): void {
    const other = this.tables.get(field.relation ?? '');
    if (other === undefined || other.rows.has(id)) return;
    if (this.version === 16) throw missingError(field.relation ?? '', id, env.user);
    throw validationError(
      'The operation cannot be completed: Another model is using the record you are trying to delete.\n\n' +
        `The troublemaker is: '${model.title ?? model.name}' (${model.name})\nThanks to the following constraint: '${name}'`,
    );
  }

  /** The commands of x2many fields; a plain list of ids replaces. */
  private link(field: OdooField, name: string, row: OdooRow, env: Env, value: unknown): void {
    const relation = field.relation ?? '';
    const list = Array.isArray(value) ? (value as readonly unknown[]) : [];
    const commands = list.every((one) => typeof one === 'number') ? [[6, 0, list]] : (list as unknown[][]);
    const inverse = field.type === 'one2many' ? (field.relation_field ?? '') : undefined;
    const linked = (): number[] =>
      inverse === undefined ? (row.values[name] as number[] | false) || [] : this.children(field, row);
    const join = (id: number): void => {
      if (!this.tables.get(relation)?.rows.has(id)) throw missingError(relation, id, env.user);
      if (inverse !== undefined) this.write(relation, env, [id], { [inverse]: row.id });
      else row.values[name] = [...new Set([...linked(), id])];
    };
    const leave = (id: number): void => {
      if (inverse !== undefined) this.write(relation, env, [id], { [inverse]: false });
      else row.values[name] = linked().filter((one) => one !== id);
    };
    for (const [command, target, given] of commands) {
      const id = Number(target);
      if (command === 0) {
        const extra = inverse === undefined ? {} : { [inverse]: row.id };
        const [made = 0] = this.create(relation, env, [{ ...(given as Values), ...extra }]);
        if (inverse === undefined) join(made);
      } else if (command === 1) this.write(relation, env, [id], given as Values);
      else if (command === 2) {
        leave(id);
        this.unlink(relation, env, [id]);
      } else if (command === 3) leave(id);
      else if (command === 4) join(id);
      else if (command === 5) linked().forEach(leave);
      else if (command === 6) {
        const wanted = given as number[];
        linked()
          .filter((one) => !wanted.includes(one))
          .forEach(leave);
        wanted.forEach(join);
      } else throw valueError(`Wrong value for ${name}: ${JSON.stringify(value)}`);
    }
    if (inverse === undefined) row.values[name] ??= [];
  }

  private children(field: OdooField, row: OdooRow): number[] {
    const other = this.tables.get(field.relation ?? '');
    const inverse = field.relation_field ?? '';
    return [...(other?.rows.values() ?? [])].filter(({ values }) => values[inverse] === row.id).map(({ id }) => id);
  }

  private check(table: Table, row: OdooRow): void {
    const { name: modelName, check, unique } = table.model;
    for (const [name, field] of Object.entries(table.fields)) {
      if (!field.required || name === 'id') continue;
      const value = row.values[name];
      if (value === false || value === undefined || (value === '' && field.type === 'char')) {
        throw validationError(
          `The operation cannot be completed:\n- Create/update: a mandatory field is not set.\n\nModel: ${modelName}\nField: ${name}`,
        );
      }
    }
    if (check && !row.values[check.needs]) {
      throw validationError(
        this.version >= 16 ? `The operation cannot be completed: ${check.message}` : check.constraint,
      );
    }
    if (unique === undefined || row.values[unique] === false) return;
    for (const other of table.rows.values()) {
      if (other.id !== row.id && other.values[unique] === row.values[unique]) {
        throw validationError(`The operation cannot be completed: ${unique} must be unique`);
      }
    }
  }

  private show(table: Table, row: OdooRow, name: string, env: Env, load: unknown): unknown {
    const field = table.fields[name] as OdooField;
    if (name === 'id') return row.id;
    if (name === 'display_name') return nameOf(row) ?? `${table.model.name},${String(row.id)}`;
    if (name === 'write_date') return toOdooTime(row.writtenAt);
    if (name === 'create_date') return toOdooTime(row.createdAt);
    if (name === 'write_uid' || name === 'create_uid') {
      const user = name === 'write_uid' ? row.writtenBy : row.createdBy;
      return load === '' ? user : [user, `User ${String(user)}`];
    }
    if (field.compute) return field.compute(row.values) ?? false;
    if (field.type === 'one2many') return this.children(field, row);
    const language = env.context['lang'];
    const translated = typeof language === 'string' ? row.translations[name]?.[language] : undefined;
    const value = translated ?? row.values[name];
    if (field.type === 'many2one' && typeof value === 'number') {
      if (load === '') return value;
      const other = this.tables.get(field.relation ?? '')?.rows.get(value);
      return [value, (other && nameOf(other)) ?? String(value)];
    }
    if (field.type === 'binary' && env.context['bin_size'] === true && typeof value === 'string') return '5.00 bytes';
    return value ?? emptyOf(name, field);
  }

  private fieldOf(table: Table, name: string, leaf: unknown): OdooField {
    const field = table.fields[name];
    if (field !== undefined) return field;
    const where = this.version >= 19 ? 'condition' : 'leaf';
    throw valueError(`Invalid field ${table.model.name}.${name} in ${where} ${JSON.stringify(leaf)}`);
  }

  private holds(table: Table, row: OdooRow, env: Env, name: string, operator: string, value: unknown): boolean {
    const field = this.fieldOf(table, name, [name, operator, value]);
    if (field.type === 'datetime') return this.holdsTime(row, name, operator, value);
    const kept = name === 'id' ? row.id : this.show(table, row, name, env, '');
    return compare(operator, kept, value);
  }

  /** Until 18 the hidden fractions of a second count; from 19 on whole seconds are compared. */
  private holdsTime(row: OdooRow, name: string, operator: string, value: unknown): boolean {
    if (value === false) return compare(operator, this.keyOf(row, name), value);
    const text = String(value);
    if (/(Z|[+-]\d{2}:?\d{2})$/.test(text.slice(11))) {
      throw valueError('expecting only datetimes with no timezone');
    }
    const given = Date.parse(`${text.replace(' ', 'T')}${text.length === 10 ? 'T00:00:00' : ''}Z`);
    if (Number.isNaN(given)) throw valueError(`time data '${text}' does not match format '%Y-%m-%d %H:%M:%S'`);
    const kept = this.keyOf(row, name);
    const whole = (time: number): number => (this.version >= 19 ? Math.floor(time / 1000) * 1000 : time);
    return compare(operator, typeof kept === 'number' ? whole(kept) : kept, whole(given));
  }

  /** What rows are ordered and compared by, fractions of a second included. */
  private keyOf(row: OdooRow, name: string): unknown {
    if (name === 'id') return row.id;
    if (name === 'write_date') return row.writtenAt;
    if (name === 'create_date') return row.createdAt;
    const value = row.values[name];
    return typeof value === 'string' && /^\d{4}-\d{2}-\d{2} /.test(value)
      ? Date.parse(`${value.replace(' ', 'T')}Z`)
      : (value ?? false);
  }

  private note(env: Env, model: string, op: OdooJournalEntry['op'], id: number, values: Values): void {
    const { actor, context } = env;
    this.journal.push({ seq: this.journal.length + 1, actor, model, op, id, values, context });
  }
}

function emptyOf(name: string, { type }: OdooField): unknown {
  if (name === 'active') return true;
  if (type === 'integer' || type === 'float' || type === 'monetary') return 0;
  return type === 'many2many' || type === 'one2many' ? [] : false;
}

function toOdooTime(time: number): string {
  return new Date(time).toISOString().slice(0, 19).replace('T', ' ');
}

function parseOrder(order: string, { fields }: Table): { name: string; sign: number }[] {
  return order.split(',').flatMap((part) => {
    const [name = '', direction = 'asc'] = part.trim().split(/\s+/);
    if (name in fields) return [{ name, sign: direction.toLowerCase() === 'desc' ? -1 : 1 }];
    if (name === 'name') return [];
    throw valueError(`Invalid field '${name}' in order`);
  });
}

function denied({ title, name }: OdooModel): OdooException {
  return accessError(`You are not allowed to access '${title ?? name}' (${name}) records.`);
}

function ruled({ title, name }: OdooModel): OdooException {
  return accessError(
    `Due to security restrictions, you are not allowed to access '${title ?? name}' (${name}) records.`,
  );
}

function nameOf({ values }: OdooRow): string | undefined {
  const name = values['name'];
  return typeof name === 'string' && name !== '' ? name : undefined;
}
