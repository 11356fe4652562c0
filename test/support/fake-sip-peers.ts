import type { FakeDrachtioServer, SentMessage } from './fake-drachtio-server';

const contentType = 'Content-Type: application/sdp';

export interface FakeInviteOptions {
  callId?: string;
  body?: string;
  /** Replaces the line of that name, or removes it when empty. */
  headers?: Record<string, string>;
  uri?: string;
}

/** The SIP text of a request from a caller. */
export function requestText(options: {
  method: string;
  uri?: string;
  callId: string;
  cseq?: number;
  toTag?: string;
  body?: string;
  headers?: Record<string, string>;
}): string {
  const { method, uri = 'sip:600@127.0.0.1', callId, cseq = 1, toTag, body = '', headers = {} } = options;
  const lines = new Map([
    ['Via', `SIP/2.0/UDP 127.0.0.9:5070;branch=z9hG4bK-${method}-${cseq};rport=5070`],
    ['From', `"Ann" <sip:+33612345678@example.com>;tag=caller`],
    ['To', `<sip:600@127.0.0.1>${toTag === undefined ? '' : `;tag=${toTag}`}`],
    ['Call-ID', callId],
    ['CSeq', `${cseq} ${method}`],
    ['Contact', '<sip:ann@127.0.0.9:5070>'],
    ['Max-Forwards', '70'],
    ...(body === '' ? [] : [[contentType.split(':')[0]!, 'application/sdp'] as const]),
    ...Object.entries(headers),
    ['Content-Length', String(Buffer.byteLength(body))],
  ]);
  const head = [...lines].filter(([, value]) => value !== '').map(([name, value]) => `${name}: ${value}`);
  return `${method} ${uri} SIP/2.0\r\n${head.join('\r\n')}\r\n\r\n${body}`;
}

/** A caller behind the fake server: its INVITE and what follows. */
export class FakeCaller {
  readonly callId: string;
  readonly txnId: string;
  readonly dialogId: string;
  readonly #server: FakeDrachtioServer;
  #cseq = 1;

  constructor(server: FakeDrachtioServer, callId = server.id('call')) {
    this.#server = server;
    this.callId = callId;
    this.txnId = server.id('invite');
    this.dialogId = `${callId};from-tag=caller`;
  }

  inviteFrame({ body = 'v=0 offer', headers = {}, uri }: FakeInviteOptions = {}): string {
    const text = requestText({
      method: 'INVITE',
      callId: this.callId,
      body,
      headers,
      ...(uri !== undefined && { uri }),
    });
    return this.#server.received(text, { txnId: this.txnId });
  }

  cancelFrame(): string {
    const text = requestText({ method: 'CANCEL', callId: this.callId });
    return this.#server.received(text, { txnId: this.txnId, dialogId: this.dialogId });
  }

  /** The OK for our 200 (R2), as the server echoes it: with Contact and To tag. */
  answerSentFrame(message: SentMessage): string {
    const withTag = message.text.replace(/^to: (.*)$/im, (line) => (line.includes('tag=') ? line : `${line};tag=us`));
    const text = withTag.replace(/\r\n/, '\r\nContact: <sip:127.0.0.1:5060>\r\n');
    return this.#server.sentResponse({ ...message, text }, { dialogId: this.dialogId });
  }

  inDialogFrame(
    method: string,
    options: { body?: string; headers?: Record<string, string>; source?: 'application' } = {},
  ): string {
    this.#cseq += method === 'ACK' ? 0 : 1;
    const { body = '', headers = {}, source } = options;
    const text = requestText({ method, callId: this.callId, cseq: this.#cseq, toTag: 'us', body, headers });
    const txnId = source === 'application' ? 'unsolicited' : method === 'ACK' ? this.txnId : this.#server.id('txn');
    return this.#server.received(text, { txnId, dialogId: this.dialogId, ...(source !== undefined && { source }) });
  }
}

/** Replies to the 200 of `caller` like the server does, then the frames of `more` in the same chunk. */
export function answerSent(
  caller: FakeCaller,
  more: () => string[] = () => [],
): (m: SentMessage) => string[] | undefined {
  return (message) => {
    const isAnswer = message.startLine.startsWith('SIP/2.0 200') && message.txnId === caller.txnId;
    return isAnswer ? [caller.answerSentFrame(message), ...more()] : undefined;
  };
}

/** A callee behind the fake server: replies to the INVITE that the application sends. */
export class FakeCallee {
  readonly #server: FakeDrachtioServer;
  readonly callId: string;
  readonly txnId: string;
  readonly dialogId: string;
  invite: SentMessage | undefined;
  #cseq = 100;

  constructor(server: FakeDrachtioServer) {
    this.#server = server;
    this.callId = server.id('call');
    this.txnId = server.id('invite');
    this.dialogId = `${this.callId};from-tag=us`;
  }

  /** The OK for the INVITE (R1). */
  inviteSentFrame(invite: SentMessage): string {
    this.invite = invite;
    return this.#server.sentRequest(invite, { txnId: this.txnId, text: this.#inviteText(invite) });
  }

  responseFrame(
    status: number,
    reason: string,
    { body = '', contact = true, txnId = this.txnId, cseq = '1 INVITE' } = {},
  ): string {
    const head = [
      `SIP/2.0 ${status} ${reason}`,
      'Via: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK-1',
      'From: <sip:127.0.0.1:5060>;tag=us',
      'To: <sip:bob@127.0.0.9>;tag=callee',
      `Call-ID: ${this.callId}`,
      `CSeq: ${cseq}`,
      ...(contact ? ['Contact: <sip:bob@127.0.0.9:5070>'] : []),
      ...(body === '' ? [] : [contentType]),
      `Content-Length: ${Buffer.byteLength(body)}`,
    ];
    const dialogId = cseq.endsWith('INVITE') || cseq.endsWith('INFO') ? this.dialogId : '';
    return this.#server.received(`${head.join('\r\n')}\r\n\r\n${body}`, { txnId, dialogId });
  }

  inDialogFrame(method: string, { body = '' } = {}): string {
    this.#cseq += 1;
    const text = requestText({ method, callId: this.callId, cseq: this.#cseq, toTag: 'us', body });
    return this.#server.received(text, { txnId: this.#server.id('txn'), dialogId: this.dialogId });
  }

  #inviteText(invite: SentMessage): string {
    const [startLine, ...rest] = invite.text.split('\r\n');
    const added = [
      'Via: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK-1',
      'From: <sip:127.0.0.1:5060>;tag=us',
      'To: <sip:bob@127.0.0.9>',
      `Call-ID: ${this.callId}`,
      'CSeq: 1 INVITE',
      'Contact: <sip:127.0.0.1:5060>',
    ];
    return [startLine, ...added, ...rest.filter((line) => !/^from:/i.test(line))].join('\r\n');
  }
}
