/** Reads one header value from left to right; every step moves forward, so parsing is linear. */
export class Scanner {
  readonly #text: string;
  #at: number;

  constructor(text: string, at = 0) {
    this.#text = text;
    this.#at = at;
  }

  get done(): boolean {
    return this.#at >= this.#text.length;
  }

  get rest(): string {
    return this.#text.slice(this.#at);
  }

  peek(): string {
    return this.#text.charAt(this.#at);
  }

  skipSpace(): this {
    while (this.peek() === ' ' || this.peek() === '\t') this.#at += 1;
    return this;
  }

  /** Steps over `character` and the space around it. */
  eat(character: string): boolean {
    this.skipSpace();
    if (this.peek() !== character) return false;
    this.#at += 1;
    this.skipSpace();
    return true;
  }

  /** Steps over `character` and nothing else. */
  eatExactly(character: string): boolean {
    if (this.peek() !== character) return false;
    this.#at += 1;
    return true;
  }

  /** The longest run of characters that are in none of `stops`; may be empty. */
  until(stops: string): string {
    const from = this.#at;
    while (!this.done && !stops.includes(this.peek())) this.#at += 1;
    return this.#text.slice(from, this.#at);
  }

  /** A token of RFC 3261 section 25.1; empty when there is none here. */
  token(): string {
    const from = this.#at;
    while (!this.done && isTokenCode(this.#text.charCodeAt(this.#at))) this.#at += 1;
    return this.#text.slice(from, this.#at);
  }

  /** A quoted string with its quotes; undefined when it does not begin here or never ends. */
  quoted(): string | undefined {
    if (this.peek() !== '"') return undefined;
    for (let end = this.#at + 1; end < this.#text.length; end += 1) {
      const character = this.#text.charAt(end);
      if (character === '\\') {
        end += 1;
      } else if (character === '"') {
        const text = this.#text.slice(this.#at, end + 1);
        this.#at = end + 1;
        return text;
      }
    }
    return undefined;
  }
}

const tokenCodes = new Set(
  Buffer.from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.!%*_+`'~", 'latin1'),
);

function isTokenCode(code: number): boolean {
  return tokenCodes.has(code);
}

/** One or more token characters (RFC 3261 section 25.1). */
export function isToken(text: string): boolean {
  if (text.length === 0) return false;
  for (let i = 0; i < text.length; i += 1) if (!isTokenCode(text.charCodeAt(i))) return false;
  return true;
}

/** A plain decimal number of at most `maximum`; undefined for anything else, a sign or a fraction included. */
export function parseDecimal(text: string, maximum: number): number | undefined {
  if (!/^[0-9]{1,20}$/.test(text)) return undefined;
  const value = Number(text);
  return value <= maximum ? value : undefined;
}

/** Splits at commas outside quotes and angle brackets, and trims. An empty text is one empty value. */
export function splitList(text: string): string[] {
  const values: string[] = [];
  let from = 0;
  let quoted = false;
  let angled = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (quoted) {
      if (character === '\\') at += 1;
      else if (character === '"') quoted = false;
    } else if (character === '"') {
      quoted = true;
    } else if (character === '<') {
      angled = true;
    } else if (character === '>') {
      angled = false;
    } else if (character === ',' && !angled) {
      values.push(text.slice(from, at).trim());
      from = at + 1;
    }
  }
  values.push(text.slice(from).trim());
  return values;
}
