/** One header field. Values are Latin-1 text: one character is one octet, so nothing is lost on the way through. */
export interface HeaderField {
  /** As typed, or the long name when the compact form was typed. */
  readonly name: string;
  readonly value: string;
}

/** RFC 3261 section 7.3.3 and the extensions that registered a letter. */
const longNames = new Map<string, string>([
  ['a', 'Accept-Contact'],
  ['b', 'Referred-By'],
  ['c', 'Content-Type'],
  ['d', 'Request-Disposition'],
  ['e', 'Content-Encoding'],
  ['f', 'From'],
  ['i', 'Call-ID'],
  ['j', 'Reject-Contact'],
  ['k', 'Supported'],
  ['l', 'Content-Length'],
  ['m', 'Contact'],
  ['o', 'Event'],
  ['r', 'Refer-To'],
  ['s', 'Subject'],
  ['t', 'To'],
  ['u', 'Allow-Events'],
  ['v', 'Via'],
  ['x', 'Session-Expires'],
]);

/** Names that do not follow the rule "a capital after each hyphen". */
const irregularNames = new Map<string, string>([
  ['call-id', 'Call-ID'],
  ['cseq', 'CSeq'],
  ['mime-version', 'MIME-Version'],
  ['rack', 'RAck'],
  ['rseq', 'RSeq'],
  ['sip-etag', 'SIP-ETag'],
  ['sip-if-match', 'SIP-If-Match'],
  ['www-authenticate', 'WWW-Authenticate'],
]);

/** The long form of a compact header name, else the name itself. */
export function longHeaderName(name: string): string {
  return name.length === 1 ? (longNames.get(name.toLowerCase()) ?? name) : name;
}

/** A capital after each hyphen, as drachtio-server writes it; names that begin with `X-` stay as typed. */
export function capitalisedHeaderName(name: string): string {
  if (name.startsWith('X-')) return name;
  const lower = name.toLowerCase();
  return irregularNames.get(lower) ?? lower.replace(/(^|-)[a-z]/g, (start) => start.toUpperCase());
}

/** The header fields of one message, in order. Names are compared without case. */
export class HeaderList {
  #fields: HeaderField[];

  constructor(fields: readonly HeaderField[] = []) {
    this.#fields = [...fields];
  }

  get size(): number {
    return this.#fields.length;
  }

  [Symbol.iterator](): Iterator<HeaderField> {
    return this.#fields[Symbol.iterator]();
  }

  /** The first value, undefined when the header is absent. */
  first(name: string): string | undefined {
    const wanted = name.toLowerCase();
    return this.#fields.find((field) => field.name.toLowerCase() === wanted)?.value;
  }

  /** Every value, one per header line. */
  all(name: string): string[] {
    const wanted = name.toLowerCase();
    return this.#fields.filter((field) => field.name.toLowerCase() === wanted).map((field) => field.value);
  }

  has(name: string): boolean {
    return this.first(name) !== undefined;
  }

  add(name: string, value: string): this {
    this.#fields.push({ name, value });
    return this;
  }

  /** In front of all others. */
  prepend(name: string, value: string): this {
    this.#fields.unshift({ name, value });
    return this;
  }

  /** One value in the place of all there were, or at the end. */
  set(name: string, value: string): this {
    const wanted = name.toLowerCase();
    const at = this.#fields.findIndex((field) => field.name.toLowerCase() === wanted);
    if (at === -1) return this.add(name, value);
    this.#fields = this.#fields.filter((field, index) => index <= at || field.name.toLowerCase() !== wanted);
    this.#fields[at] = { name, value };
    return this;
  }

  /** Replaces only the first value. Does nothing when the header is absent. */
  replaceFirst(name: string, value: string): this {
    const wanted = name.toLowerCase();
    const at = this.#fields.findIndex((field) => field.name.toLowerCase() === wanted);
    if (at !== -1) this.#fields[at] = { name, value };
    return this;
  }

  remove(name: string): this {
    const wanted = name.toLowerCase();
    this.#fields = this.#fields.filter((field) => field.name.toLowerCase() !== wanted);
    return this;
  }

  clone(): HeaderList {
    return new HeaderList(this.#fields);
  }
}
