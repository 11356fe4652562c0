/** An object of a parsed JSON text. */
export type JsonObject = Readonly<Record<string, unknown>>;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What is wrong with an event, and where (`response.id`). */
export interface FieldProblem {
  reason: 'bad-field' | 'bad-base64';
  field: string;
}

/** The API's own limit for client ids; live server ids have under 30 characters. */
const idCharsMax = 512;

/**
 * Reads the fields of one event. A required field that is missing or odd yields a placeholder, and the first such field
 * is kept as `problem`: whoever reads asks once, at the end. Fields read by a `maybe` method are undefined when absent,
 * null or odd.
 */
export class EventFields {
  readonly #body: JsonObject;
  readonly #path: string;
  readonly #root: EventFields;
  #problem: FieldProblem | undefined;

  constructor(body: JsonObject, parent?: { path: string; root: EventFields }) {
    this.#body = body;
    this.#path = parent === undefined ? '' : `${parent.path}.`;
    this.#root = parent?.root ?? this;
  }

  /** The first problem of the whole event. */
  get problem(): FieldProblem | undefined {
    return this.#root.#problem;
  }

  /** A non-empty string of bounded length. */
  id(key: string): string {
    const value = this.#body[key];
    if (typeof value === 'string' && value.length > 0 && value.length <= idCharsMax) return value;
    return this.#complain(key, '');
  }

  text(key: string): string {
    const value = this.#body[key];
    return typeof value === 'string' ? value : this.#complain(key, '');
  }

  /** A whole number from 0. */
  index(key: string): number {
    const value = this.#body[key];
    return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : this.#complain(key, 0);
  }

  /** Milliseconds from 0. */
  offsetMs(key: string): number {
    const value = this.#body[key];
    return typeof value === 'number' && value >= 0 ? value : this.#complain(key, 0);
  }

  /** The octets of a padded base64 text (RFC 4648 section 4). */
  base64(key: string): Buffer {
    const bytes = decodeBase64(this.text(key));
    return bytes ?? this.#complain(key, Buffer.alloc(0), 'bad-base64');
  }

  within(key: string): EventFields {
    return this.maybeWithin(key) ?? this.#complain(key, this.#child(key, {}));
  }

  maybeId(key: string): string | undefined {
    const value = this.maybeText(key);
    return value !== undefined && value.length > 0 && value.length <= idCharsMax ? value : undefined;
  }

  maybeText(key: string): string | undefined {
    const value = this.#body[key];
    return typeof value === 'string' ? value : undefined;
  }

  maybeNumber(key: string): number | undefined {
    const value = this.#body[key];
    return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
  }

  maybeFlag(key: string): boolean | undefined {
    const value = this.#body[key];
    return typeof value === 'boolean' ? value : undefined;
  }

  maybeWithin(key: string): EventFields | undefined {
    const value = this.#body[key];
    return isJsonObject(value) ? this.#child(key, value) : undefined;
  }

  /** The objects of a list, others left out; empty when there is no list. */
  maybeList(key: string): EventFields[] {
    const value = this.#body[key];
    return Array.isArray(value) ? value.filter(isJsonObject).map((body) => this.#child(key, body)) : [];
  }

  /** True for an explicit null; an absent key is not null. */
  isNull(key: string): boolean {
    return this.#body[key] === null;
  }

  #child(key: string, body: JsonObject): EventFields {
    return new EventFields(body, { path: `${this.#path}${key}`, root: this.#root });
  }

  #complain<T>(key: string, placeholder: T, reason: FieldProblem['reason'] = 'bad-field'): T {
    this.#root.#problem ??= { reason, field: `${this.#path}${key}` };
    return placeholder;
  }
}

/** Undefined unless the text is whole groups of four base64 characters. */
function decodeBase64(text: string): Buffer | undefined {
  // Node's decoder looks at the low octet of a character only, so a foreign one could pass for base64.
  if (text.length % 4 !== 0 || Buffer.byteLength(text) !== text.length) return undefined;
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const bytes = Buffer.allocUnsafe((text.length / 4) * 3 - padding);
  // The decoder skips what is not base64 and so writes less.
  return bytes.write(text, 'base64') === bytes.length ? bytes : undefined;
}
