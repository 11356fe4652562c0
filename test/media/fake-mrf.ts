import { EventEmitter } from 'node:events';

import type {
  ChannelConnection,
  CreateEndpointOptions,
  Mrf,
  MrfConnectOptions,
  MrfEndpoint,
  MrfMediaServer,
} from '../../src/media/freeswitch-mrf';

/** A promise that somebody else settles. */
export interface Held<T> {
  promise: Promise<T>;
  resolve(value: T): void;
  reject(cause: unknown): void;
}

function held<T>(): Held<T> {
  let resolve: (value: T) => void = () => undefined;
  let reject: (cause: unknown) => void = () => undefined;
  const promise = new Promise<T>((yes, no) => ([resolve, reject] = [yes, no]));
  return { promise, resolve, reject };
}

const never = new Promise<never>(() => undefined);

/** The connection of a channel, which passes on the events that were asked for. */
class FakeChannelConnection extends EventEmitter implements ChannelConnection {
  readonly socket = null;
  readonly subscribed = new Set<string>();

  subscribe(event: string): void {
    this.subscribed.add(event);
  }

  sendRecv(command: string): void {
    const [word, event = ''] = command.split(' ');
    if (word === 'nixevent') this.subscribed.delete(event);
  }

  fire(event: string, uuid: string): void {
    if (this.subscribed.has(event)) this.emit(`esl::event::${event}::${uuid}`);
  }
}

/** A channel of a `FakeFreeswitch`. */
export class FakeChannel extends EventEmitter implements MrfEndpoint {
  readonly uuid: string;
  local: { sdp: string };
  readonly conn = new FakeChannelConnection();
  readonly reinvites: string[] = [];
  byes = 0;
  /** What the next re-INVITEs are answered; undefined: nothing. */
  reinviteStatus: number | undefined = 200;
  readonly #dialog = new EventEmitter();

  constructor(
    readonly server: FakeFreeswitch,
    readonly options: CreateEndpointOptions,
  ) {
    super();
    server.made += 1;
    this.uuid = `${server.name}-${server.made}`;
    this.local = { sdp: fakeSdp(this.uuid) };
  }

  get dialog(): MrfEndpoint['dialog'] {
    return {
      on: (event, listener) => this.#dialog.on(event, listener),
      destroy: (_options, callback) => {
        this.byes += 1;
        callback(undefined);
      },
      request: (request, callback) => {
        if (request.method === 'OPTIONS') {
          this.onRoused();
          callback(undefined, { status: 200 });
          return;
        }
        const { body } = request;
        this.reinvites.push(body);
        if (this.reinviteStatus === undefined || !this.server.answersReinvites) return;
        callback(undefined, { status: 100 });
        callback(undefined, { status: this.reinviteStatus, ...this.answerReinvite(body) });
      },
    };
  }

  /** A server that really negotiates says otherwise. */
  answerReinvite(_offer: string): { status?: number; body?: string } {
    return { body: fakeSdp(`${this.uuid}-again`) };
  }

  /** An OPTIONS came. */
  onRoused(): void {
    return;
  }

  /** FreeSWITCH hangs up: BYE, and the end of the channel's own connection. */
  hangUp(reason: string): void {
    this.server.channels.delete(this.uuid);
    this.emit('destroy', { reason });
    this.#dialog.emit('destroy');
  }
}

/** What a FreeSWITCH does as far as fsmrf shows it, without sockets. */
export class FakeFreeswitch {
  /** Each connection that was made and not given up. */
  readonly connections = new Set<FakeConnection>();
  readonly commands: string[] = [];
  readonly channels = new Map<string, { owner: string; channel: FakeChannel | undefined }>();
  /** Why it cannot be used; undefined: it can. */
  problem: string | undefined;
  /** Frozen: it answers nothing. */
  frozen = false;
  ready = true;
  answersReinvites = true;
  sessionsMax = 1_000;
  /** What channels are refused with: a SIP status, or an error of fsmrf. */
  refusal: number | Error | undefined;
  /** While set, new channels wait for it. */
  gate: Held<void> | undefined;
  made = 0;
  /** Which channel each one was last bridged with. */
  readonly bonds = new Map<string, string>();

  constructor(readonly name: string) {}

  hold(): void {
    this.gate = held();
  }

  release(): void {
    this.gate?.resolve();
    this.gate = undefined;
  }

  /** The process dies: every connection breaks, every channel is gone without BYE. */
  die(): void {
    this.problem = 'connect ECONNREFUSED';
    const channels = [...this.channels.values()];
    this.channels.clear();
    for (const { channel } of channels) channel?.emit('destroy');
    for (const connection of [...this.connections]) connection.break();
  }

  sent(prefix: string): string[] {
    return this.commands.filter((command) => command.startsWith(prefix));
  }

  /** A new channel. Throws an error with a `status` when it refuses the offer. */
  makeChannel(options: CreateEndpointOptions): FakeChannel {
    return new FakeChannel(this, options);
  }

  run(command: string): string {
    this.commands.push(command);
    const [word, uuid = ''] = command.split(' ');
    if (word === 'status') return this.#status();
    if (command === 'show channels as json') return this.#show();
    if (word === 'uuid_getvar' && command.endsWith(' bridge_to')) return `${this.bonds.get(uuid) ?? '_undef_'}\n`;
    if (word === 'uuid_bridge') return this.bridge(uuid, command.split(' ')[2] ?? '');
    if (word === 'uuid_kill') {
      this.channels.get(uuid)?.channel?.hangUp('NORMAL_CLEARING');
      return this.channels.delete(uuid) ? '+OK\n' : '-ERR No such channel!\n';
    }
    return '+OK\n';
  }

  bridge(uuid: string, other: string): string {
    this.bonds.set(uuid, other).set(other, uuid);
    return `+OK ${other}\n`;
  }

  #status(): string {
    return [
      'UP 0 years, 0 days, 0 hours, 0 minutes, 9 seconds',
      `FreeSWITCH (Version 1.11.1 -release 64bit) is ${this.ready ? 'ready' : 'not ready'}`,
      '4 session(s) since startup',
      `${this.channels.size} session(s) - peak 2, last 5min 2 `,
      '0 session(s) per Sec out of max 30, peak 1, last 5min 1 ',
      `${this.sessionsMax} session(s) max`,
      '',
    ].join('\n');
  }

  #show(): string {
    const rows = [...this.channels].map(([uuid, { owner }]) => ({ uuid, cid_num: owner }));
    return JSON.stringify({ row_count: rows.length, ...(rows.length > 0 ? { rows } : {}) });
  }
}

export class FakeConnection implements MrfMediaServer {
  readonly conn;
  readonly #ends: (() => void)[] = [];

  constructor(readonly server: FakeFreeswitch) {
    server.connections.add(this);
    this.conn = {
      socket: { setNoDelay: () => undefined },
      reconnectOpts: {},
      on: (_event: string, listener: () => void) => this.#ends.push(listener),
      removeAllListeners: () => this.#ends.splice(0),
    };
  }

  break(): void {
    this.server.connections.delete(this);
    for (const end of this.#ends) end();
  }

  api(command: string): Promise<string> {
    const { server } = this;
    return server.frozen || !server.connections.has(this) ? never : Promise.resolve(server.run(command));
  }

  async createEndpoint(options: CreateEndpointOptions): Promise<MrfEndpoint> {
    const { server } = this;
    await server.gate?.promise;
    if (server.frozen) return never;
    if (typeof server.refusal === 'number') {
      throw Object.assign(new Error('Sip non-success response'), { status: server.refusal });
    }
    if (server.refusal !== undefined) throw server.refusal;
    const channel = server.makeChannel(options);
    const owner = /<sip:(.*)@/.exec(options.headers.From ?? '')?.[1] ?? '';
    server.channels.set(channel.uuid, { owner, channel });
    return channel;
  }

  disconnect(): void {
    this.server.connections.delete(this);
  }
}

/** fsmrf with these servers, found by their port. */
export class FakeMrf implements Mrf {
  readonly connects: MrfConnectOptions[] = [];

  constructor(readonly servers: ReadonlyMap<number, FakeFreeswitch>) {}

  readonly probe = ({ port }: { port: number }): Promise<void> => {
    const server = this.servers.get(port);
    if (server?.frozen === true) return never;
    const problem = server === undefined ? 'connect ECONNREFUSED' : server.problem;
    return problem === undefined ? Promise.resolve() : Promise.reject(new Error(problem));
  };

  connect(options: MrfConnectOptions): Promise<MrfMediaServer> {
    this.connects.push(options);
    const server = this.servers.get(options.port);
    if (server === undefined || server.problem !== undefined) return Promise.reject(new Error('connect ECONNREFUSED'));
    return server.frozen ? never : Promise.resolve(new FakeConnection(server));
  }
}

export function fakeSdp(name: string, { direction = 'sendrecv', address = '198.51.100.9' } = {}): string {
  const lines = ['v=0', `o=FreeSWITCH 1 1 IN IP4 ${address}`, `s=${name}`, `c=IN IP4 ${address}`, 't=0 0'];
  const media = ['m=audio 20000 RTP/AVP 0 101', 'a=rtpmap:0 PCMU/8000', 'a=rtpmap:101 telephone-event/8000'];
  return [...lines, ...media, `a=${direction}`, ''].join('\r\n');
}
