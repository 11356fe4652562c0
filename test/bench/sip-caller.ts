import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

/** A call that was answered. */
export interface SipCall {
  /** Where the bridge wants our audio. */
  readonly remoteRtpPort: number;
  /** The bridge has sent a BYE. */
  readonly ended: boolean;
  hangUp(): Promise<void>;
}

/** T1 of RFC 3261: how long until a request is sent again. */
const retransmitMs = 500;
const requestDeadlineMs = 20_000;

/**
 * The calling side of SIP over UDP, as far as a measurement needs it (RFC 3261): INVITE, ACK and BYE towards a server on
 * this machine that we wrote. Any number of calls from one port.
 */
export class SipCaller {
  readonly #socket: Socket;
  readonly #serverPort: number;
  readonly #transactions = new Map<string, Transaction>();
  readonly #calls = new Map<string, Dialog>();
  #count = 0;

  static async open({ serverPort }: { serverPort: number }): Promise<SipCaller> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new SipCaller(socket, serverPort);
  }

  private constructor(socket: Socket, serverPort: number) {
    this.#socket = socket;
    this.#serverPort = serverPort;
    socket.on('message', (datagram) => this.#onMessage(parseMessage(datagram.toString('latin1'))));
  }

  get port(): number {
    return this.#socket.address().port;
  }

  /** Resolves when the call was answered and that was acknowledged; rejects with the status of a refusal. */
  async call({ user, rtpPort }: { user: string; rtpPort: number }): Promise<SipCall> {
    this.#count += 1;
    const dialog = new Dialog(this, { id: `${this.#count}.${this.port}`, user, serverPort: this.#serverPort, rtpPort });
    this.#calls.set(dialog.callId, dialog);
    const answer = await this.request(dialog, 'INVITE');
    dialog.onAnswer(answer);
    if (answer.status >= 300) {
      this.#calls.delete(dialog.callId);
      throw new Error(`the call to ${user} was refused: ${answer.startLine}`);
    }
    return dialog;
  }

  /** Sends a request until it is answered; resolves with the final answer. */
  request(dialog: Dialog, method: 'INVITE' | 'BYE'): Promise<SipMessage> {
    const text = dialog.nextRequest(method);
    return new Promise((resolve, reject) => {
      const key = `${dialog.callId} ${dialog.sequence} ${method}`;
      const transaction: Transaction = {
        resolve: (answer) => {
          clearInterval(transaction.retransmitting);
          clearTimeout(transaction.deadline);
          this.#transactions.delete(key);
          resolve(answer);
        },
        retransmitting: setInterval(() => this.send(text), retransmitMs),
        deadline: setTimeout(() => {
          clearInterval(transaction.retransmitting);
          this.#transactions.delete(key);
          reject(new Error(`no answer to ${method} within ${requestDeadlineMs} ms`));
        }, requestDeadlineMs),
      };
      this.#transactions.set(key, transaction);
      this.send(text);
    });
  }

  send(text: string): void {
    this.#socket.send(text, this.#serverPort, '127.0.0.1');
  }

  close(): void {
    for (const { retransmitting, deadline } of this.#transactions.values()) {
      clearInterval(retransmitting);
      clearTimeout(deadline);
    }
    this.#socket.close();
  }

  #onMessage(message: SipMessage): void {
    const callId = message.header('call-id');
    const dialog = this.#calls.get(callId);
    if (message.status === 0) {
      if (message.startLine.startsWith('BYE ')) dialog?.onBye();
      if (!message.startLine.startsWith('ACK ')) this.send(answerTo(message));
      return;
    }
    const transaction = this.#transactions.get(`${callId} ${message.header('cseq')}`);
    if (transaction === undefined) {
      // A 200 that comes again: our ACK was lost.
      if (message.status >= 200 && message.header('cseq').endsWith('INVITE')) dialog?.onAnswer(message);
    } else if (message.status >= 200) {
      transaction.resolve(message);
    } else {
      clearInterval(transaction.retransmitting);
    }
  }
}

interface Transaction {
  resolve(answer: SipMessage): void;
  retransmitting: NodeJS.Timeout;
  deadline: NodeJS.Timeout;
}

/** One call, on our side. */
class Dialog implements SipCall {
  readonly callId: string;
  sequence = 0;
  remoteRtpPort = 0;
  ended = false;
  readonly #caller: SipCaller;
  readonly #rtpPort: number;
  readonly #id: string;
  readonly #from: string;
  #to: string;
  #target: string;

  constructor(caller: SipCaller, options: { id: string; user: string; serverPort: number; rtpPort: number }) {
    const { id, user, serverPort, rtpPort } = options;
    this.#caller = caller;
    this.#rtpPort = rtpPort;
    this.#id = id;
    this.callId = `${id}@bench`;
    this.#target = `sip:${user}@127.0.0.1:${serverPort}`;
    this.#to = `<${this.#target}>`;
    this.#from = `<sip:bench@127.0.0.1:${caller.port}>;tag=${id}`;
  }

  nextRequest(method: 'INVITE' | 'BYE'): string {
    this.sequence += 1;
    return this.#request(method, `z9hG4bK${this.#id}.${this.sequence}`);
  }

  /** A final answer to the INVITE: it wants an ACK, in a transaction of its own when it is a 200. */
  onAnswer(answer: SipMessage): void {
    this.#to = answer.header('to');
    if (answer.status < 300) {
      this.#target = /<([^>]+)>/.exec(answer.header('contact'))?.[1] ?? this.#target;
      this.remoteRtpPort = Number(/^m=audio (\d+)/m.exec(answer.body)?.[1] ?? 0);
    }
    this.#caller.send(this.#request('ACK', `z9hG4bK${this.#id}.${answer.status < 300 ? 'ack' : this.sequence}`));
  }

  onBye(): void {
    this.ended = true;
  }

  async hangUp(): Promise<void> {
    if (this.ended) return;
    this.ended = true;
    await this.#caller.request(this, 'BYE');
  }

  #request(method: 'INVITE' | 'ACK' | 'BYE', branch: string): string {
    const { port } = this.#caller;
    const body = method === 'INVITE' ? this.#offer() : '';
    return [
      `${method} ${this.#target} SIP/2.0`,
      `Via: SIP/2.0/UDP 127.0.0.1:${port};branch=${branch};rport`,
      'Max-Forwards: 70',
      `From: ${this.#from}`,
      `To: ${this.#to}`,
      `Call-ID: ${this.callId}`,
      `CSeq: ${this.sequence} ${method}`,
      `Contact: <sip:bench@127.0.0.1:${port}>`,
      ...(body === '' ? [] : ['Content-Type: application/sdp']),
      `Content-Length: ${body.length}`,
      '',
      body,
    ].join('\r\n');
  }

  #offer(): string {
    return [
      'v=0',
      'o=- 1 1 IN IP4 127.0.0.1',
      's=-',
      'c=IN IP4 127.0.0.1',
      't=0 0',
      `m=audio ${this.#rtpPort} RTP/AVP 0`,
      'a=ptime:20',
      '',
    ].join('\r\n');
  }
}

interface SipMessage {
  startLine: string;
  /** 0 for a request. */
  status: number;
  body: string;
  /** The first of that name, lower case; an empty string when there is none. */
  header(name: string): string;
  headers: readonly (readonly [name: string, value: string])[];
}

function parseMessage(text: string): SipMessage {
  const [head = '', body = ''] = text.split('\r\n\r\n', 2);
  const [startLine = '', ...lines] = head.split('\r\n');
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()];
  });
  return {
    startLine,
    status: Number(/^SIP\/2\.0 (\d{3})/.exec(startLine)?.[1] ?? 0),
    body,
    headers,
    header: (name) => headers.find(([one]) => one === name)?.[1] ?? '',
  };
}

/** 200, to whatever the bridge asks. */
function answerTo(request: SipMessage): string {
  const vias = request.headers.filter(([name]) => name === 'via').map(([, value]) => `Via: ${value}`);
  return [
    'SIP/2.0 200 OK',
    ...vias,
    ...['From', 'To', 'Call-ID', 'CSeq'].map((name) => `${name}: ${request.header(name.toLowerCase())}`),
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');
}
