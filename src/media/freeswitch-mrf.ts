// drachtio-fsmrf 4.1.2 has no types: what we use of it is declared here from its source, and this is the one file with casts.
// @ts-expect-error there is no declaration file
import DrachtioMrf from 'drachtio-fsmrf';

/** fsmrf's connection to an event socket (drachtio-modesl). */
export interface EventSocketConnection {
  /** Null once it is gone. */
  readonly socket: { setNoDelay(on: boolean): unknown } | null;
  on(event: 'esl::end' | 'error', listener: (cause?: unknown) => void): unknown;
  removeAllListeners(event: string): unknown;
  /** fsmrf reconnects for ever and matches new replies with old commands: one attempt is what we allow. */
  reconnectOpts: { maxAttempts?: number };
}

/** A channel's own connection, which carries its events alone. FreeSWITCH obeys in the order of what it is told. */
export interface ChannelConnection extends Pick<EventSocketConnection, 'socket'> {
  on(event: `esl::event::RECV_RTCP_MESSAGE::${string}`, listener: () => void): unknown;
  /** Adds one kind of event. */
  subscribe(event: string): unknown;
  sendRecv(command: string): unknown;
}

/** The SIP dialog between us and FreeSWITCH. */
export interface MediaDialog {
  /** BYE came from FreeSWITCH. */
  on(event: 'destroy', listener: () => void): unknown;
  /** Sends BYE; the callback comes with the answer or the failure. */
  destroy(options: Record<string, never>, callback: (failure: unknown) => void): void;
  /** The callback comes once per response of the INVITE, provisional ones included; srf sends the ACK. */
  request(
    options: { method: 'INVITE'; body: string; headers: Record<string, string> } | { method: 'OPTIONS' },
    callback: (failure: unknown, response?: { readonly status: number; readonly body?: string }) => void,
  ): void;
}

/** A channel of FreeSWITCH that we control. */
export interface MrfEndpoint {
  /** The channel's id. */
  readonly uuid: string;
  readonly local: { readonly sdp?: string };
  readonly dialog: MediaDialog;
  readonly conn: ChannelConnection | null;
  on(event: 'destroy', listener: (how?: { reason?: string }) => void): unknown;
  /** A key of the far side (FreeSWITCH's event DTMF). */
  on(event: 'dtmf', listener: (key: { dtmf?: string }) => void): unknown;
}

export interface CreateEndpointOptions {
  /** The far side's offer. */
  remoteSdp: string;
  /** For the INVITE to FreeSWITCH. */
  headers: Record<string, string>;
}

/** One connected FreeSWITCH. None of its promises has a deadline, and some never settle. */
export interface MrfMediaServer {
  readonly conn: EventSocketConnection;
  createEndpoint(options: CreateEndpointOptions): Promise<MrfEndpoint>;
  /** Runs an `api` command and gives the body of the reply. */
  api(command: string): Promise<string>;
  disconnect(): void;
}

export interface MrfConnectOptions {
  address: string;
  port: number;
  secret: string;
  profile: string;
  /** Where FreeSWITCH calls us back; port 0: any. */
  listenAddress: string;
  listenPort: number;
  advertisedAddress?: string;
}

export interface Mrf {
  connect(options: MrfConnectOptions): Promise<MrfMediaServer>;
}

/** `srf`: what speaks SIP to FreeSWITCH, a `Srf` that is connected by the time the first endpoint is made. */
export function createMrf(srf: object): Mrf {
  return new (DrachtioMrf as unknown as new (srf: object) => Mrf)(srf);
}
