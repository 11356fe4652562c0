import type { Socket } from 'node:net';
import DrachtioSrf from 'drachtio-srf';

// The published types of drachtio-srf 5.0.29 disagree with its code (missing events and options, wrong signatures), so
// what we use of it is declared here from its source; its private parts are in `srf-internals`.

/** Header names to values, as srf takes them. */
export type SipHeaders = Record<string, string>;

/** What requests and responses have in common. */
export interface SrfMessage {
  /** The whole message as it came from the server; undefined for messages made here. */
  readonly raw?: string;
  /** An empty string when there is none; undefined when the message had no blank line. */
  readonly body?: string;
  /** The parts of a multipart body, else the body as one part. */
  readonly payload?: readonly { type: string | null | undefined; content: string | undefined }[];
  /** A repeated header comes joined with commas. */
  get(name: string): string | undefined;
  /** Throws when the header is missing or malformed. */
  getParsedHeader(name: string): unknown;
}

export interface SrfRequest extends SrfMessage {
  readonly method: string;
  readonly uri: string;
  /** `application` when the server itself made it, such as the BYE after a missing ACK. */
  readonly source: 'network' | 'application';
  readonly source_address: string;
  readonly source_port: number;
  readonly protocol: string;
  readonly socket: Socket;
  on(event: 'cancel', listener: (cancel: SrfMessage) => void): this;
  /** Only for a request that we sent. The callback's error is a string when the server refused. */
  cancel(callback: (failure: unknown) => void): void;
}

export interface SrfResponse extends SrfMessage {
  readonly status: number;
  readonly reason: string;
  /** Throws for a status that srf does not know. The callback's error is a string when the server refused. */
  send(
    status: number,
    reason: string | undefined,
    options: { headers?: SipHeaders; body?: string },
    callback: (failure: unknown) => void,
  ): void;
}

/** In-dialog requests that srf hands over with a response to fill. */
export type InDialogEvent = 'modify' | 'update' | 'info' | 'refer' | 'notify' | 'options' | 'message' | 'publish';

export interface SrfDialog {
  readonly local: { readonly contact: string | undefined };
  readonly remote: { readonly sdp: string | undefined };
  on(event: InDialogEvent, listener: (req: SrfRequest, res: SrfResponse) => void): this;
  on(event: 'ack', listener: (ack: SrfRequest) => void): this;
  on(event: 'destroy', listener: (bye: SrfRequest) => void): this;
  /** BYE. The callback comes with the answer or the failure to send. */
  destroy(options: { headers?: SipHeaders }, callback: (failure: unknown) => void): void;
  /** The callback comes once per response, provisional ones of an INVITE included; srf sends the ACK. */
  request(
    options: { method: 'INVITE' | 'INFO' | 'REFER' | 'OPTIONS'; headers?: SipHeaders; body?: string },
    callback: (failure: unknown, response?: SrfResponse) => void,
  ): void;
}

export type SrfRequestHandler = (req: SrfRequest, res: SrfResponse, next: () => void) => void;

/** Methods that are routed to us outside a dialog. */
export type RoutedMethod =
  'invite' | 'options' | 'register' | 'subscribe' | 'publish' | 'message' | 'info' | 'notify' | 'refer' | 'update';

export interface Srf {
  on(event: 'error', listener: (error: Error) => void): this;
  /** Throws for a method that was not asked for. */
  unregisterForMessages(method: RoutedMethod): void;
  use(handler: SrfRequestHandler): void;
  use(method: RoutedMethod, handler: SrfRequestHandler): void;
  /** The callback runs inside srf's parser: at once, before the next message is looked at. */
  createUAS(
    req: SrfRequest,
    res: SrfResponse,
    options: { localSdp: string; headers: SipHeaders },
    callback: (failure: unknown, dialog?: SrfDialog) => void,
  ): void;
  createUAC(
    uri: string,
    options: { localSdp: string; headers: SipHeaders; proxy?: string },
    progress: {
      cbRequest: (failure: unknown, req?: SrfRequest) => void;
      cbProvisional: (response: SrfResponse) => void;
    },
    callback: (failure: unknown, dialog?: SrfDialog) => void,
  ): void;
}

/** Makes an unconnected instance; `srf-internals` gives it connections. Tags are those that drachtio-server routes by. */
export function createSrf({ tags = [] }: { tags?: readonly string[] } = {}): Srf {
  const Constructor = DrachtioSrf as unknown as new (tags: readonly string[]) => unknown;
  return new Constructor(tags) as Srf;
}

/** Whether srf can read these headers: it does so without looking when it makes a dialog. */
export function canParse(message: SrfMessage, headers: readonly string[]): boolean {
  try {
    for (const name of headers) message.getParsedHeader(name);
    return true;
  } catch {
    return false;
  }
}
