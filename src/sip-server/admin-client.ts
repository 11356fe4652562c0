import { createHash, timingSafeEqual } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Clock, Timer } from '../runtime/clock';
import type { Random } from '../runtime/random';
import { FrameDecoder, encodeFrame, frameBytesMax } from './admin-frame';
import type { LineStamp } from './admin-lines';
import {
  ackLine,
  cdrLine,
  dialogRequestLine,
  endedLine,
  formatTimeOfDay,
  newRequestLine,
  proxyResultLine,
  replyLine,
  requestSentLine,
  responseLine,
  responseSentLine,
} from './admin-lines';
import { readProxyCommand } from './admin-proxy';
import type { Application, IncomingEvent, Refusal, ResponseEvent, Sent } from './application';
import type { CdrEvent } from './cdr-event';
import { refusals } from './application';
import { HeaderList } from './header-list';
import { parseMessage } from './parse-message';
import type { SipRequest } from './sip-message';
import { emptyBody, serializeMessage } from './sip-message';
import type { SipServerStats } from './stats';
import type { UserAgent } from './user-agent';

/** A connection that has not logged in by then is closed. */
const loginLimitMs = 5_000;
/** An application that does not read is cut off here, octets. */
const unsentBytesMax = 16_777_216;
/** How much of a start line is repeated in a refusal, octets. */
const startLineBytesMax = 512;
/** srf looks at this to decide what the server can do. */
export const advertisedVersion = 'v0.9.10';

export interface AdminClientOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly stats: SipServerStats;
  readonly secret: string;
  readonly agent: UserAgent;
  /** `udp/address:port,tcp/address:port` as peers see them, and as they are bound. */
  readonly hostports: string;
  readonly localHostports: string;
  onRoute(verb: string, wanted: boolean): void;
  onClosed(): void;
}

/** One application that is connected to the admin port. */
export class AdminClient implements Application {
  readonly #socket: Socket;
  readonly #options: AdminClientOptions;
  readonly #decoder = new FrameDecoder();
  readonly #loginTimer: Timer;
  #heldEvents: CdrEvent[] | undefined;
  #authenticated = false;
  #closed = false;

  constructor(socket: Socket, options: AdminClientOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#loginTimer = options.clock.setTimer(loginLimitMs, () => socket.destroy());
    socket.on('data', (chunk) => this.#onData(chunk));
    // An error is always followed by close, which does the work.
    socket.on('error', () => undefined);
    socket.on('close', () => this.#onClose());
  }

  onRequest(event: IncomingEvent): void {
    const line = event.dialogId === undefined ? newRequestLine : dialogRequestLine;
    this.#write(line(this.#stamp(), event), serializeMessage(event.arrival.message));
  }

  onAck(event: IncomingEvent): void {
    this.#write(ackLine(this.#stamp(), event), serializeMessage(event.arrival.message));
  }

  onCancel(event: IncomingEvent): void {
    this.#write(dialogRequestLine(this.#stamp(), event), serializeMessage(event.arrival.message));
  }

  onResponse(event: ResponseEvent): void {
    const message = serializeMessage(event.response);
    const protocol = event.from?.flow.transport.name ?? (event.response.reason === 'DNS Error' ? 'unknown' : 'udp');
    this.#write(responseLine(this.#stamp(), event, message.length, protocol), message);
  }

  onDialogEnded({ dialogId, bye }: { dialogId: string; bye: Sent }): void {
    this.#write(endedLine(this.#stamp(), dialogId, bye), bye.bytes);
  }

  onCdr(event: CdrEvent): void {
    // srf wants the reply to a command before what the command has caused.
    if (this.#heldEvents !== undefined) this.#heldEvents.push(event);
    else this.#write(cdrLine(this.#stamp(), event), serializeMessage(event.message));
  }

  close(): void {
    this.#socket.destroy();
    this.#onClose();
  }

  #onData(chunk: Buffer): void {
    const frames = this.#decoder.push(chunk);
    if (frames === 'malformed') {
      this.#options.stats.adminFramesRefused += 1;
      this.#socket.destroy();
      return;
    }
    for (const frame of frames) {
      if (this.#closed || this.#socket.destroyed) return;
      if (frame.kind === 'frame') this.#onFrame(frame.payload);
      else this.#refuseOversize(frame.head);
    }
  }

  #onFrame(payload: Buffer): void {
    const metaEnd = payload.indexOf('\r\n', 0, 'latin1');
    const meta = payload.toString('utf8', 0, metaEnd === -1 ? payload.length : metaEnd);
    const message = metaEnd === -1 ? undefined : payload.subarray(metaEnd + 2);
    const [id = '', command = '', ...tokens] = meta.split('|');
    if (command === 'authenticate') this.#authenticate(id, tokens[0] ?? '');
    else if (!this.#authenticated) this.#reject(id, 'not authenticated');
    else this.#executeHoldingEvents(id, command, tokens, message);
  }

  #executeHoldingEvents(id: string, command: string, tokens: string[], message: Buffer | undefined): void {
    const held: CdrEvent[] = [];
    this.#heldEvents = held;
    this.#execute(id, command, tokens, message);
    this.#heldEvents = undefined;
    for (const event of held) this.onCdr(event);
  }

  #execute(id: string, command: string, tokens: string[], message: Buffer | undefined): void {
    switch (command) {
      case 'ping':
        this.#reply(id, 'OK', ['pong']);
        return;
      case 'route':
      case 'remove_route':
        this.#options.onRoute((tokens[0] ?? '').toLowerCase(), command === 'route');
        this.#reply(id, 'OK', []);
        return;
      case 'sip':
        this.#onSip(id, tokens, message ?? emptyBody);
        return;
      case 'proxy':
        this.#onProxy(id, tokens, message ?? emptyBody);
        return;
      default:
        this.#reject(id, 'Unknown message type');
    }
  }

  #onSip(id: string, [transactionId = '', dialogId = '', nextHop]: string[], bytes: Buffer): void {
    const parsed = parseMessage(bytes, { bytesMax: frameBytesMax, ignoreContentLength: true });
    switch (parsed.kind) {
      case 'response':
        if (transactionId === '') this.#reply(id, 'NOK', ['transaction id missing']);
        else this.#finishResponse(id, this.#options.agent.respond(this, transactionId, parsed));
        return;
      case 'request':
        this.#onSipRequest(id, parsed, { transactionId, dialogId, nextHop });
        return;
      case 'broken-request':
      case 'garbage':
        this.#reply(id, 'NOK', [describeFault(bytes, parsed.reason)]);
    }
  }

  #onProxy(id: string, tokens: string[], bytes: Buffer): void {
    const parsed = parseMessage(bytes, { bytesMax: frameBytesMax, ignoreContentLength: true });
    const command = readProxyCommand(tokens, parsed.kind === 'request' ? parsed.headers : new HeaderList());
    if (command === undefined) {
      this.#reply(id, 'NOK', [refusals.badProxyTarget]);
      return;
    }
    const refusal = this.#options.agent.proxy(this, command, {
      onResult: ({ response, from }) => {
        const raw = serializeMessage(response);
        const line = proxyResultLine(this.#stamp(), id, { bytes: from?.bytes ?? raw.length, flow: from?.flow });
        if (command.fullResponse) this.#write(line, raw);
      },
      onDone: () => this.#reply(id, 'OK', ['done']),
    });
    if (refusal !== undefined) this.#reply(id, 'NOK', [refusal.refused]);
  }

  #onSipRequest(
    id: string,
    request: SipRequest,
    { transactionId, dialogId, nextHop }: { transactionId: string; dialogId: string; nextHop: string | undefined },
  ): void {
    const { sender } = this.#options.agent;
    const done = (result: Sent | Refusal): void => this.#finishRequest(id, result);
    if (request.method === 'CANCEL') sender.cancel(this, transactionId, request, done);
    else if (request.method === 'ACK') sender.acknowledge(this, dialogId, request, done);
    else if (dialogId !== '') sender.requestInDialog(this, dialogId, request, done);
    else sender.request(this, request, nextHop === undefined ? undefined : asUri(nextHop), done);
  }

  #finishRequest(id: string, result: Sent | Refusal): void {
    if ('refused' in result) this.#reply(id, 'NOK', [result.refused]);
    else this.#write(requestSentLine(this.#stamp(), id, result), result.bytes);
  }

  #finishResponse(id: string, result: Sent | Refusal): void {
    if ('refused' in result) this.#reply(id, 'NOK', [result.refused]);
    else this.#write(responseSentLine(this.#stamp(), id, result), result.bytes);
  }

  #authenticate(id: string, secret: string): void {
    const { hostports, localHostports } = this.#options;
    if (!isSameSecret(secret, this.#options.secret)) {
      this.#options.stats.adminLoginsRefused += 1;
      this.#reject(id, 'incorrect secret');
      return;
    }
    this.#authenticated = true;
    this.#loginTimer.cancel();
    this.#reply(id, 'OK', [hostports, advertisedVersion, localHostports]);
  }

  #refuseOversize(head: Buffer): void {
    this.#options.stats.adminFramesRefused += 1;
    const [id = ''] = head.toString('latin1').split('|');
    this.#reply(id, 'NOK', ['message too large']);
  }

  /** Answers and hangs up. */
  #reject(id: string, text: string): void {
    this.#options.stats.adminFramesRefused += 1;
    this.#reply(id, 'NO', [text]);
    this.#socket.destroySoon();
  }

  #reply(id: string, outcome: 'OK' | 'NO' | 'NOK', extra: readonly string[]): void {
    this.#write(replyLine(this.#options.random.uuid(), id, outcome, extra), undefined);
  }

  #write(line: string, message: Buffer | undefined): void {
    if (this.#closed || !this.#socket.writable) return;
    this.#socket.write(encodeFrame(line, message));
    if (this.#socket.writableLength <= unsentBytesMax) return;
    this.#options.stats.adminClientsTooSlow += 1;
    this.#socket.destroy();
  }

  #stamp(): LineStamp {
    return { id: this.#options.random.uuid(), time: formatTimeOfDay(this.#options.clock.wallTimeMs()) };
  }

  #onClose(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#loginTimer.cancel();
    this.#options.onClosed();
  }
}

/** Hashes have equal lengths, so that the comparison tells nothing by its time. */
function isSameSecret(given: string, wanted: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}

/** `opts.proxy` of srf may be a URI or a bare `address[:port]`. */
function asUri(nextHop: string): string {
  return /^sips?:/i.test(nextHop) ? nextHop : `sip:${nextHop}`;
}

/** The text that drachtio-server has for a request line it cannot read; for anything else, what is wrong. */
function describeFault(message: Buffer, reason: string): string {
  if (reason !== 'Bad Request Line' && reason !== 'not-sip') return `invalid message: ${reason}`;
  const lineEnd = message.indexOf('\r\n', 0, 'latin1');
  const startLine = message.toString('latin1', 0, Math.min(startLineBytesMax, Math.max(0, lineEnd)));
  return `invalid request-uri: ${startLine.replaceAll('|', ' ')}`;
}
