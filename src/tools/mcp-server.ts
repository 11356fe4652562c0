import { createRequire } from 'node:module';
import { Readable } from 'node:stream';

import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import type { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

import type { McpSource } from './agent-tool';
import type { OutgoingRequest, ResolveName } from './outgoing-http';
import { answerBytesMax, openAnswer, systemNames } from './outgoing-http';
import type { ReadSecret } from './secrets';

/** A tool as its MCP server tells of it. */
export interface RemoteTool {
  name: string;
  description: string;
  /** JSON Schema. */
  parameters: Readonly<Record<string, unknown>>;
}

/** What a tool of a server answered: the texts of its content. */
export interface RemoteResult {
  text: string;
  failed: boolean;
}

/** An MCP server that this bridge calls. Its methods reject when the server is away or refuses. */
export interface McpServer {
  list(signal: AbortSignal): Promise<RemoteTool[]>;
  call(name: string, given: Readonly<Record<string, unknown>>, options: CallOptions): Promise<RemoteResult>;
  close(): Promise<void>;
}

export interface CallOptions {
  timeoutMs: number;
  signal: AbortSignal;
  onProgress(sentence: string): void;
}

export type ConnectMcp = (source: McpSource, secret: ReadSecret) => McpServer;

const toolsMax = 64;
const pagesMax = 10;
const listTimeoutMs = 10_000;

/** By the SDK of the protocol, which is loaded only when a plan has such a server. */
export function mcpOverHttp({
  names = systemNames,
  ca,
}: { names?: ResolveName; ca?: string | undefined } = {}): ConnectMcp {
  return (source, secret) => new HttpMcpServer(source, { secret, names, ca });
}

/** One connection for all calls, made when it is needed and made anew after a failure. */
class HttpMcpServer implements McpServer {
  readonly #source: McpSource;
  readonly #options: { secret: ReadSecret; names: ResolveName; ca: string | undefined };
  #client: Promise<Client> | undefined;

  constructor(source: McpSource, options: { secret: ReadSecret; names: ResolveName; ca: string | undefined }) {
    this.#source = source;
    this.#options = options;
  }

  async list(signal: AbortSignal): Promise<RemoteTool[]> {
    return await this.#with(async (client) => {
      const tools: RemoteTool[] = [];
      let cursor: string | undefined;
      for (let page = 0; page < pagesMax && tools.length < toolsMax; page += 1) {
        const asked = cursor === undefined ? {} : { cursor };
        const listed = await client.listTools(asked, { timeout: listTimeoutMs, signal });
        for (const { name, description = '', inputSchema } of listed.tools) {
          tools.push({ name, description, parameters: inputSchema });
        }
        cursor = listed.nextCursor;
        if (cursor === undefined) break;
      }
      return tools.slice(0, toolsMax);
    });
  }

  async call(name: string, given: Readonly<Record<string, unknown>>, options: CallOptions): Promise<RemoteResult> {
    const { timeoutMs, signal } = options;
    return await this.#with(async (client) => {
      const result = await client.callTool({ name, arguments: { ...given } }, undefined, {
        timeout: timeoutMs,
        signal,
        onprogress: ({ message }) => {
          if (message !== undefined) options.onProgress(message);
        },
      });
      const content = Array.isArray(result.content) ? result.content : [];
      const texts = content.flatMap((part: { type: string; text?: unknown }) => {
        return part.type === 'text' && typeof part.text === 'string' ? [part.text] : [];
      });
      const structured = texts.length === 0 ? result.structuredContent : undefined;
      return {
        text: structured === undefined ? texts.join('\n') : JSON.stringify(structured),
        failed: result.isError === true,
      };
    });
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await (await client?.catch(() => undefined))?.close();
  }

  async #with<T>(work: (client: Client) => Promise<T>): Promise<T> {
    const connecting = (this.#client ??= this.#connect());
    try {
      return await work(await connecting);
    } catch (cause) {
      if (this.#client === connecting) this.#client = undefined;
      void connecting.then(async (client) => await client.close()).catch(() => undefined);
      throw cause;
    }
  }

  async #connect(): Promise<Client> {
    const load = createRequire(__filename);
    const clients = load('@modelcontextprotocol/sdk/client/index.js') as { Client: typeof Client };
    const transports = load('@modelcontextprotocol/sdk/client/streamableHttp.js') as {
      StreamableHTTPClientTransport: typeof StreamableHTTPClientTransport;
    };
    const { url, authorization } = this.#source;
    const transport = new transports.StreamableHTTPClientTransport(new URL(url), {
      fetch: (target, init) => this.#fetch(target, init),
      requestInit:
        authorization === undefined
          ? {}
          : { headers: { Authorization: `Bearer ${this.#options.secret(authorization)}` } },
    });
    const client = new clients.Client({ name: 'ringbridge', version: '1' });
    await client.connect(transport, { timeout: listTimeoutMs });
    return client;
  }

  /** The SDK's way out, through the same checks of addresses as every other request. */
  async #fetch(target: string | URL, init: RequestInit = {}): Promise<Response> {
    const { allowPrivate, ports } = this.#source;
    const { names, ca } = this.#options;
    const request: OutgoingRequest = {
      method: init.method ?? 'GET',
      url: new URL(target),
      headers: Object.fromEntries(new Headers(init.headers)),
      body: typeof init.body === 'string' ? init.body : undefined,
      allowPrivate,
      ports,
    };
    const answer = await openAnswer(request, { names, ca, signal: init.signal ?? new AbortController().signal });
    const status = answer.statusCode ?? 500;
    const headers = Object.entries(answer.headers).map(([name, value]): [string, string] => [name, String(value)]);
    // A stream of events that the server opened by itself has no end; an answer to a request has.
    const limited = request.method === 'POST' ? Readable.from(limitedBytes(answer)) : answer;
    const hasBody = status !== 204 && status !== 205 && status !== 304;
    if (!hasBody) answer.resume();
    const body = hasBody ? Readable.toWeb(limited) : null;
    return new Response(body, { status, headers });
  }
}

async function* limitedBytes(answer: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let length = 0;
  for await (const chunk of answer) {
    length += chunk.length;
    if (length > answerBytesMax) throw new Error(`more than ${answerBytesMax} bytes`);
    yield chunk;
  }
}
