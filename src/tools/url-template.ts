import type { HttpSource } from './agent-tool';
import type { ToolArguments } from './tool-run';

const placeholder = /\{\{([A-Za-z_][A-Za-z0-9_]{0,63})\}\}/g;

/** Names of the arguments that stand in an address. */
export function argumentsInUrl(template: string): string[] {
  return [...template.matchAll(placeholder)].map(([, name = '']) => name);
}

/**
 * The address with its arguments, and the body. What does not stand in the address goes into the query (GET, DELETE) or
 * into a JSON body. Undefined when an argument would lead to another place than its own, such as `..` in a path.
 */
export function filledUrl(
  { method, url: template }: Pick<HttpSource, 'method' | 'url'>,
  given: ToolArguments,
): { url: URL; body: string | undefined } | undefined {
  const inUrl = new Set(argumentsInUrl(template));
  let isWell = true as boolean;
  const text = template.replace(placeholder, (_use, name: string) => {
    const value = encoded(textOf(given[name]));
    isWell &&= value !== '';
    return value;
  });
  const url = isWell ? parsedUrl(text) : undefined;
  // The parser takes `.` and `..` out of paths: then it is not the path that the plan names.
  if (url === undefined || url.pathname !== pathOf(text)) return undefined;
  const others = Object.entries(given).filter(([name]) => !inUrl.has(name));
  if (method !== 'GET' && method !== 'DELETE') return { url, body: JSON.stringify(Object.fromEntries(others)) };
  for (const [name, value] of others) {
    if (value !== null && value !== undefined) url.searchParams.append(name, wellFormed(textOf(value)));
  }
  return { url, body: undefined };
}

/** Undefined for what is no address. */
export function parsedUrl(text: string, base?: URL): URL | undefined {
  try {
    return new URL(text, base);
  } catch {
    return undefined;
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}

/** As one part of a path or one value of a query: no character of it means anything there. */
function encoded(text: string): string {
  return encodeURIComponent(wellFormed(text)).replace(/[!'()*]/g, (character) => {
    return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
  });
}

/** Half a character cannot be encoded. */
function wellFormed(text: string): string {
  return text.replace(/\p{Cs}/gu, '\ufffd');
}

function pathOf(text: string): string {
  const afterHost = text.replace(/^https?:\/\/[^/?]*/, '').replace(/\?.*$/s, '');
  return afterHost === '' ? '/' : afterHost;
}
