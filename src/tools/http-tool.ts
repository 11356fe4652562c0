import type { Clock } from '../runtime/clock';
import type { Logger } from '../runtime/logger';
import type { Random } from '../runtime/random';
import type { AgentTool, HeaderSource, HttpSource } from './agent-tool';
import type { CircuitBreaker } from './circuit-breaker';
import { answerText } from './http-answer';
import type { NoAnswer, OutgoingAnswer, OutgoingRequest, SendHttp } from './outgoing-http';
import { pause } from './pause';
import type { ReadSecret } from './secrets';
import { SecretMissing } from './secrets';
import { signatureHeaders, signatureOf } from './signature';
import { argumentsFault, parametersSchema } from './tool-parameters';
import type { RunnableTool, ToolArguments, ToolContext, ToolResult } from './tool-run';
import { failed } from './tool-run';
import { filledUrl, parsedUrl } from './url-template';

export interface HttpToolOptions {
  clock: Clock;
  random: Random;
  logger: Logger;
  send: SendHttp;
  secret: ReadSecret;
  breaker: CircuitBreaker;
}

const triesMax = 3;
const redirectsMax = 3;
/** Before the second and the third try, spread by up to half as much again. */
const backoffMs = [300, 1_000] as const;
const triedAgain = new Set([429, 502, 503, 504]);

/** A tool that is a request to a web service. */
export function httpTool(tool: Extract<AgentTool, { kind: 'http' }>, options: HttpToolOptions): RunnableTool {
  const { name, description = '', parameters, http, whileWaiting } = tool;
  return {
    definition: { name, description, parameters: parametersSchema(parameters) },
    timeoutMs: http.timeoutMs,
    whileWaiting,
    faultIn: (parsed) => argumentsFault(parsed, parameters),
    run: (parsed, context, signal) => new HttpRun(http, options).run(parsed, context, signal),
  };
}

/** One run: a request, perhaps tried again, and its answer as a result. */
class HttpRun {
  readonly #http: HttpSource;
  readonly #options: HttpToolOptions;
  readonly #deadlineMs: number;

  constructor(http: HttpSource, options: HttpToolOptions) {
    this.#http = http;
    this.#options = options;
    this.#deadlineMs = options.clock.now() + http.timeoutMs;
  }

  async run(parsed: ToolArguments, context: ToolContext, signal: AbortSignal): Promise<ToolResult> {
    const secret = this.#secureDigits(context);
    if (secret === undefined) return failed('bad-arguments', 'The caller has not keyed in all that is needed yet.');
    const url = filledUrl(this.#http, { ...parsed, ...secret });
    if (url === undefined) return failed('bad-arguments', 'An argument cannot stand in the address of the service.');
    const attempt = this.#options.breaker.attempt();
    if (attempt === undefined) {
      return failed('circuit-open', 'The service has failed several times and is not asked again for the moment.');
    }
    try {
      const answer = await this.#exchange({ ...url, context, signal });
      const result = resultOf(answer);
      this.#log(answer);
      if (signal.aborted) return result;
      if (isOfService(answer)) attempt.failed();
      else if (answer.kind === 'answer') attempt.succeeded();
      return result;
    } catch (cause) {
      if (!(cause instanceof SecretMissing)) throw cause;
      this.#options.logger.error({ error: cause.message }, 'a tool lacks its secret');
      return failed('not-configured', 'The tool is not set up completely. Tell the caller that it cannot be used now.');
    } finally {
      // A service that lets the whole time pass has failed; a caller who hung up says nothing about it.
      if (signal.aborted && this.#options.clock.now() >= this.#deadlineMs) attempt.failed();
      attempt.abandoned();
    }
  }

  /** What the caller keyed in past the model; undefined when some of it is missing. */
  #secureDigits({ control }: ToolContext): Record<string, string> | undefined {
    const found: Record<string, string> = {};
    for (const name of this.#http.secureDigits) {
      const keys = control.secureDigits(name);
      if (keys === undefined) return undefined;
      found[name] = keys;
    }
    return found;
  }

  /** Tries, waits and tries again, until there is a word that stands or no time for another try. */
  async #exchange(asked: Asked): Promise<OutgoingAnswer | NoAnswer> {
    for (let tried = 1; ; tried += 1) {
      const answer = await this.#follow(asked);
      const waitMs = this.#waitBefore(tried, answer);
      if (waitMs === undefined) return answer;
      await pause(this.#options.clock, waitMs, asked.signal);
      if (asked.signal.aborted) return answer;
    }
  }

  /** One try. A redirect within the same host is followed; one to another host would carry arguments and secrets there. */
  async #follow({ url, body, context, signal }: Asked): Promise<OutgoingAnswer | NoAnswer> {
    let request = this.#request({ url, body, method: this.#http.method, context });
    for (let followed = 0; ; followed += 1) {
      const answer = await this.#options.send(request, signal);
      if (answer.kind !== 'answer' || answer.status < 300 || answer.status > 399) return answer;
      const target = parsedUrl(answer.header('location') ?? '', request.url);
      if (target === undefined || target.origin !== url.origin || followed === redirectsMax) return answer;
      const keepsMethod = answer.status === 307 || answer.status === 308;
      const method = keepsMethod ? request.method : 'GET';
      request = this.#request({ url: target, body: keepsMethod ? request.body : undefined, method, context });
    }
  }

  #request({
    url,
    body,
    method,
    context,
  }: {
    url: URL;
    body: string | undefined;
    method: string;
    context: ToolContext;
  }): OutgoingRequest {
    const { headers, bearer, sign, allowPrivate, ports } = this.#http;
    const { secret, clock } = this.#options;
    const timestampS = Math.floor(clock.wallTimeMs() / 1_000);
    const signed = { id: context.runId, timestampS, content: body ?? url.pathname + url.search };
    return {
      method,
      url,
      allowPrivate,
      ports,
      body,
      headers: {
        'User-Agent': 'ringbridge',
        Accept: 'application/json, text/plain;q=0.9, text/*;q=0.8',
        'Accept-Encoding': 'identity',
        ...Object.fromEntries(headers.map(([name, value]) => [name, headerValue(value, secret)])),
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...(bearer === undefined ? {} : { Authorization: `Bearer ${secret(bearer)}` }),
        'Idempotency-Key': context.runId,
        [signatureHeaders.id]: context.runId,
        [signatureHeaders.timestamp]: String(timestampS),
        ...(sign.length === 0 ? {} : { [signatureHeaders.signature]: signatureOf(signed, sign.map(secret)) }),
      },
    };
  }

  /** Undefined when the answer stands, or another try would end after the tool's time. */
  #waitBefore(tried: number, answer: OutgoingAnswer | NoAnswer): number | undefined {
    const mayTry = answer.kind === 'unreachable' || (answer.kind === 'answer' && triedAgain.has(answer.status));
    const backoff = backoffMs[tried - 1];
    if (!mayTry || tried >= triesMax || backoff === undefined) return undefined;
    const wantedMs = answer.kind === 'answer' ? retryAfterMs(answer.header('retry-after')) : undefined;
    const waitMs = Math.max(wantedMs ?? 0, backoff * (1 + this.#options.random.fraction() / 2));
    return this.#options.clock.now() + waitMs < this.#deadlineMs ? waitMs : undefined;
  }

  /** No word of the request or the answer. */
  #log(answer: OutgoingAnswer | NoAnswer): void {
    if (answer.kind === 'answer') {
      this.#options.logger.debug({ status: answer.status, bytes: answer.body.length }, 'a service has answered a tool');
    } else {
      this.#options.logger.warn({ failure: answer.kind, message: answer.message }, 'a service has not answered a tool');
    }
  }
}

interface Asked {
  url: URL;
  body: string | undefined;
  context: ToolContext;
  signal: AbortSignal;
}

function resultOf(answer: OutgoingAnswer | NoAnswer): ToolResult {
  switch (answer.kind) {
    case 'answer':
      return answerText(answer);
    case 'address-refused':
      return failed('address-refused', 'The address of the service may not be reached.');
    case 'unreachable':
      return failed('unreachable', 'The service cannot be reached right now.');
    case 'broken-off':
      return failed('service-failed', 'The service broke off before it had answered.');
    case 'too-large':
      return failed('unusable-answer', 'The answer of the service is too long to be used.');
  }
}

/** Whether the service, and not the question, is at fault. */
function isOfService(answer: OutgoingAnswer | NoAnswer): boolean {
  if (answer.kind === 'answer') return answer.status >= 500;
  return answer.kind === 'unreachable' || answer.kind === 'broken-off';
}

/** Seconds only: the form with a date is rare, and then the usual wait will do. */
function retryAfterMs(value: string | undefined): number | undefined {
  return value !== undefined && /^\d{1,6}$/.test(value) ? Number(value) * 1_000 : undefined;
}

/** What a header cannot carry is written as in an address: a caller may be called Jürgen. */
function headerValue(value: HeaderSource, secret: ReadSecret): string {
  if (value.kind === 'text') return value.text.replace(/[^\x20-\x7e]+/gu, encodeURIComponent);
  return value.scheme === '' ? secret(value.reference) : `${value.scheme} ${secret(value.reference)}`;
}
