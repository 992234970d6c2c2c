/** Just enough XML-RPC for Odoo's own: what its clients send, and what it answers. */

interface Node {
  readonly name: string;
  readonly children: Node[];
  text: string;
}

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

function unescape(text: string): string {
  return text.replaceAll(/&(#x?[0-9a-f]+|\w+);/gi, (whole, name: string) => {
    if (!name.startsWith('#')) return ENTITIES[name] ?? whole;
    return String.fromCodePoint(/^#x/i.test(name) ? parseInt(name.slice(2), 16) : Number(name.slice(1)));
  });
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function parse(xml: string): Node {
  const root: Node = { name: '', children: [], text: '' };
  const open = [root];
  for (const [, cdata, close, name, empty, text] of xml.matchAll(
    /<!\[CDATA\[([^]*?)\]\]>|<\?[^]*?\?>|<(\/?)([\w.]+)[^>]*?(\/?)>|([^<]+)/g,
  )) {
    const top = open.at(-1);
    if (top === undefined) throw new Error('more tags are closed than opened');
    if (cdata !== undefined) top.text += cdata;
    else if (text !== undefined) top.text += unescape(text);
    else if (name === undefined) continue;
    else if (close === '/') {
      if (open.pop()?.name !== name) throw new Error(`</${name}> closes another tag`);
    } else {
      const node: Node = { name, children: [], text: '' };
      top.children.push(node);
      if (empty !== '/') open.push(node);
    }
  }
  if (open.length !== 1) throw new Error('not all tags are closed');
  return root;
}

const child = (node: Node | undefined, name: string): Node | undefined =>
  node?.children.find((one) => one.name === name);

function valueOf(node: Node): unknown {
  const [typed] = node.children;
  if (typed === undefined) return node.text;
  switch (typed.name) {
    case 'int':
    case 'i4':
    case 'i8':
    case 'double':
      return Number(typed.text);
    case 'boolean':
      return typed.text.trim() === '1';
    case 'nil':
      return null;
    case 'array':
      return (child(typed, 'data')?.children ?? []).map(valueOf);
    case 'struct':
      return Object.fromEntries(
        typed.children.map((member) => {
          const value = child(member, 'value');
          return [child(member, 'name')?.text ?? '', value ? valueOf(value) : null];
        }),
      );
    default:
      return typed.text;
  }
}

export function parseCall(xml: string): { method: string; params: readonly unknown[] } {
  const call = child(parse(xml), 'methodCall');
  const method = child(call, 'methodName')?.text.trim();
  if (method === undefined) throw new Error('there is no methodName');
  const params = (child(call, 'params')?.children ?? []).map((param) => {
    const value = child(param, 'value');
    return value ? valueOf(value) : null;
  });
  return { method, params };
}

function encode(value: unknown): string {
  if (value === null || value === undefined) throw new TypeError('cannot marshal None unless allow_none is enabled');
  if (typeof value === 'boolean') return `<value><boolean>${value ? '1' : '0'}</boolean></value>`;
  if (typeof value === 'number') {
    const tag = Number.isInteger(value) ? 'int' : 'double';
    return `<value><${tag}>${String(value)}</${tag}></value>`;
  }
  if (typeof value === 'string') return `<value><string>${escape(value)}</string></value>`;
  if (Array.isArray(value)) return `<value><array><data>\n${value.map(encode).join('\n')}\n</data></array></value>`;
  const members = Object.entries(value).map(
    ([name, one]) => `<member>\n<name>${escape(name)}</name>\n${encode(one)}\n</member>`,
  );
  return `<value><struct>\n${members.join('\n')}\n</struct></value>`;
}

const answer = (body: string): string => `<?xml version="1.0"?>\n<methodResponse>\n${body}\n</methodResponse>\n`;

export function encodeResult(value: unknown): string {
  return answer(`<params>\n<param>\n${encode(value)}\n</param>\n</params>\n`);
}

export function encodeFault(code: number, text: string): string {
  return answer(`<fault>\n${encode({ faultCode: code, faultString: text })}\n</fault>\n`);
}
